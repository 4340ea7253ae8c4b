{# Whether a type of PostgreSQL holds its numbers as floating-point ones, which lose a long code's digits. #}
{% macro is_floating(data_type) -%}
    {{ return(data_type in ('real', 'double precision')) }}
{%- endmacro %}
