{#
    Makes a transaction read times and dates the way the loader reads those of a CSV export: without a
    zone in source_time_zone, and 1/2/2019 as 2 January.
#}
{% macro read_as_exported(domain) -%}
    set local datestyle = 'ISO, MDY';
    set local time zone {{ dbt.string_literal(var('source_time_zone')[domain]) }};
{%- endmacro %}
