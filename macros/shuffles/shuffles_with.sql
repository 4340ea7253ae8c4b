{#
    The shuffles (bit string) in which a sum of one_in_each() counted a minimum or more.

    sums: the sum (numeric), at most 100,000 in each shuffle. minimum: a whole number above 0.

    With 100,000 less the minimum added, the first of the six digits is 1 where the minimum is reached.
    Read as hexadecimal, the other digits can be masked; what is left of a shuffle is one of two
    texts, which become a 1 or a 0.
#}
{% macro shuffles_with(sums, minimum) -%}
    {%- set count = var('nearness_shuffles') + 1 -%}
    replace(
        replace(
            (
                (
                    'x' || lpad((
                        {{ sums }} + repeat('{{ '%06d' | format(100000 - minimum) }}', {{ count }})::numeric
                    )::text, {{ 6 * count }}, '0')
                )::bit({{ 24 * count }})
                & ('x' || repeat('100000', {{ count }}))::bit({{ 24 * count }})
            )::text,
            '000100000000000000000000',
            '1'
        ),
        '000000000000000000000000',
        '0'
    )::bit({{ count }})
{%- endmacro %}
