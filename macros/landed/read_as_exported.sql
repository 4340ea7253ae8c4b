{#
    Makes a transaction read times and dates the way the loader reads those of a CSV export: without a
    zone in source_time_zone, and dates like 1/2/2019 in the order of source_date_order.
#}
{% macro read_as_exported(domain) -%}
    set local datestyle = 'ISO, {{ var('source_date_order', {}).get(domain, 'MDY') }}';
    set local time zone {{ dbt.string_literal(var('source_time_zone')[domain]) }};
{%- endmacro %}
