{#
    The month of a point in time in UTC, as the date of its first day.
#}
{% macro service_month(expression) -%}
    {{ return("date_trunc('month', " ~ time_in_zone(expression, 'UTC') ~ ")::date") }}
{%- endmacro %}
