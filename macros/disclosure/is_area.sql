{#
    Whether a text names an area that counts are about (boolean): a city or county of patients, or
    all together or all others.

    places: as in is_place.
#}
{% macro is_area(expression, places) -%}
    ({{ expression }} in ('All cities', 'Other cities', 'Other counties', 'Unknown')
    or {{ is_place(expression, places) }})
{%- endmacro %}
