{#
    Whether a text is the first day of a month (boolean), or any day where the build was told that
    contracts allow days.
#}
{% macro is_month(expression) -%}
    {%- if var('service_date_precision') == 'day' -%}
        true
    {%- else -%}
        (extract(day from {{ expression }}::date) = 1)
    {%- endif -%}
{%- endmacro %}
