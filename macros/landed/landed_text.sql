{#
    A column of a landed table as text, the way a CSV file would write it; nothing is null, and so is a
    word for nothing. A code that landed as a decimal number (185347001.000000000) is written without
    its empty places, one that landed as a floating-point number (1.85347001e+08) in full.

    column: one of landed_columns().
#}
{% macro landed_text(column) -%}
    {%- set landed = adapter.quote(column.landed_name) if column.landed_name -%}
    {%- if not landed -%}
        {{ return('null::text') }}
    {%- elif column.data_type == 'text' and column.landed_type == 'numeric' -%}
        {%- set text = "trim_scale(" ~ landed ~ ")::text" -%}
    {%- elif column.data_type == 'text' and is_floating(column.landed_type) -%}
        {%- set text = "nullif(trim_scale(" ~ landed ~ "::text::numeric)::text, 'NaN')" -%}
    {%- elif column.landed_type in ('json', 'jsonb') -%}
        {%- set text = "nullif(" ~ landed ~ " #>> '{}', '')" -%}
    {%- else -%}
        {%- set text = "nullif(" ~ landed ~ "::text, '')" -%}
    {%- endif -%}
    case
        when trim({{ text }}) not in (
            {%- for word in words_for_nothing() %}{{ dbt.string_literal(word) }}{{ ', ' if not loop.last }}{% endfor -%}
        ) then {{ text }}
    end
{%- endmacro %}
