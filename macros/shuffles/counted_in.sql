{#
    What a sum of one_in_each() counted in one shuffle (integer).

    sums: the sum (numeric). shuffle_number: 0 for the truth, 1 to nearness_shuffles.
#}
{% macro counted_in(sums, shuffle_number) -%}
    substr(
        lpad({{ sums }}::text, {{ 6 * (var('nearness_shuffles') + 1) }}, '0'),
        1 + 6 * {{ shuffle_number }},
        6
    )::integer
{%- endmacro %}
