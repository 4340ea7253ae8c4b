{#
    A column of a landed table as text, the way a CSV file would write it; nothing is null. A code that
    landed as a decimal number (185347001.000000000) is written without its empty places.

    column: one of landed_columns().
#}
{% macro landed_text(column) -%}
    {%- set landed = adapter.quote(column.landed_name) -%}
    {%- if column.data_type == 'text' and column.landed_type == 'numeric' -%}
        trim_scale({{ landed }})::text
    {%- else -%}
        nullif({{ landed }}::text, '')
    {%- endif -%}
{%- endmacro %}
