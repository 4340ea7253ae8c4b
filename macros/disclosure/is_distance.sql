{#
    Whether a text is a distance in quarters of a kilometre (boolean).
#}
{% macro is_distance(expression) -%}
    ({{ expression }}::numeric * 4 = round({{ expression }}::numeric * 4))
{%- endmacro %}
