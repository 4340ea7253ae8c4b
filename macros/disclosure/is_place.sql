{#
    Whether a text is one of the places (boolean).

    places: relation or CTE with their names and addresses (place), none of them null: beside a null,
    nothing is ever known to be missing from a list.
#}
{% macro is_place(expression, places) -%}
    ({{ expression }} in (select place from {{ places }}))
{%- endmacro %}
