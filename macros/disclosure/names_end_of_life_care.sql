{#
    Whether a text expression names hospice, palliative or terminal care, by the words of the seed
    specialty_words (boolean); false for null. Tests ask it of descriptions: codes come and go in
    exports, and such care is known by its words. The publisher's audit goes by the same seed.
#}
{% macro names_end_of_life_care(expression) -%}
    exists (
        select word
        from {{ ref('stg_reference__specialty_words') }}
        where {{ dbt.position('word', 'lower(' ~ expression ~ ')') }} > 0
    )
{%- endmacro %}
