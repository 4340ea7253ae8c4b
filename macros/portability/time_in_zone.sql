{#
    What a clock in the zone shows at a point in time: a timestamptz expression in, a timestamp
    without zone out. `zone` is the name of a zone, for example var('source_time_zone')['residency'].
#}
{% macro time_in_zone(expression, zone) -%}
    {{ return(adapter.dispatch('time_in_zone', 'casebook')(expression, zone)) }}
{%- endmacro %}

{% macro postgres__time_in_zone(expression, zone) -%}
    ({{ expression }} at time zone {{ dbt.string_literal(zone) }})
{%- endmacro %}
