{#
    A set of shuffles (bit string) that holds none. A set has a bit for each shuffle, 1 to
    nearness_shuffles, and bit 0 for what is true, so that the truth is counted as shuffles are.
#}
{% macro no_shuffle() -%}
    repeat('0', {{ var('nearness_shuffles') + 1 }})::bit({{ var('nearness_shuffles') + 1 }})
{%- endmacro %}
