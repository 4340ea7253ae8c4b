{#
    Whether a text names an area that counts are about (boolean): a city or county of patients, or
    all others together.

    places: as in is_place.
#}
{% macro is_area(expression, places) -%}
    ({{ expression }} in ('Other cities', 'Other counties', 'Unknown')
    or {{ is_place(expression, places) }})
{%- endmacro %}
