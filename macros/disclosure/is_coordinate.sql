{#
    Whether a text is a degree of two decimals (boolean), which are about a kilometre.
#}
{% macro is_coordinate(expression) -%}
    ({{ expression }}::numeric = round({{ expression }}::numeric, 2))
{%- endmacro %}
