{#
    Whether money is so unevenly spread that it would tell one patient of another (boolean): the two
    with the largest parts hold more than dominance_share of it.

    total: the sum over all patients. top_two: the sum of its two largest.
#}
{% macro is_dominated(total, top_two) -%}
    ({{ top_two }} > {{ var('dominance_share') }} * {{ total }})
{%- endmacro %}
