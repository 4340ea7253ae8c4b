{#
    Whether a text is a hospital's name or part of its address (boolean). Of hospitals that share a
    name, all but the first carry a number.

    places: as in is_place.
#}
{% macro is_hospital(expression, places) -%}
    ({{ is_place(expression, places) }}
    or {{ is_place(replace_pattern(expression, ' [(][0-9]+[)]$', ''), places) }})
{%- endmacro %}
