{#
    Whether a text expression names hospice, palliative or terminal care (boolean); null for null.
    Tests ask it of descriptions: codes come and go in exports, and such care is known by its words.
#}
{% macro names_end_of_life_care(expression) -%}
    {{ return(matches_pattern(
        "lower(" ~ expression ~ ")",
        'hospice|palliat|terminal care|terminally ill|end of life|end-of-life'
    )) }}
{%- endmacro %}
