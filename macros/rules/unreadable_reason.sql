{# What to say of a value that is not of its column's type. #}
{% macro unreadable_reason(data_type) -%}
    {%- if data_type == 'text' -%}
        {{ return('has lost digits as a floating-point number') }}
    {%- elif data_type.startswith('timestamp') -%}
        {{ return('is not a date and time') }}
    {%- elif data_type.startswith('date') -%}
        {{ return('is not a date') }}
    {%- elif data_type.startswith('boolean') -%}
        {{ return('is neither true nor false') }}
    {%- else -%}
        {{ return('is not a number that fits here') }}
    {%- endif -%}
{%- endmacro %}
