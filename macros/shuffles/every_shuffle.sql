{#
    A set of shuffles (bit string) that holds all of them, and the truth.
#}
{% macro every_shuffle() -%}
    repeat('1', {{ var('nearness_shuffles') + 1 }})::bit({{ var('nearness_shuffles') + 1 }})
{%- endmacro %}
