{#
    Whether a text is a band of ten years of age (boolean): no year of birth, and everybody of 90 and
    more together.
#}
{% macro is_age_band(expression) -%}
    {%- set bands = '^(0-9|10-19|20-29|30-39|40-49|50-59|60-69|70-79|80-89|90[+])$' -%}
    {{ return(matches_pattern(expression, bands)) }}
{%- endmacro %}
