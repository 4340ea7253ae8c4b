{#
    The date that row-level relations show of a point in time (date): the first day of its month in UTC,
    or of its year, or the day itself, as the variable service_date_precision says.
#}
{% macro service_date(expression) -%}
    {%- set precision = var('service_date_precision') -%}
    {%- if precision not in ('month', 'year', 'day') -%}
        {%- do exceptions.raise_compiler_error(
            "service_date_precision is '" ~ precision ~ "'; use month, year or day"
        ) -%}
    {%- endif -%}
    {{ return("date_trunc('" ~ precision ~ "', " ~ time_in_zone(expression, 'UTC') ~ ")::date") }}
{%- endmacro %}
