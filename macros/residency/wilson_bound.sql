{#
    One bound of the Wilson score interval at 95 % for a share of `successes` among `trials` (double
    precision, 0 to 1); null when there are no trials. side: 'low' or 'high'.

    Wilson's interval is used because it stays inside 0 to 1 and keeps its coverage for small sites
    and shares near 0 or 1, where the textbook interval share ± z·√(share·(1 − share)/trials) does not.
    With p = successes / trials, n = trials, z = 1.959963984540054 (the 97.5 % point of the normal):
        (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
    Sources: Wilson (1927), Journal of the American Statistical Association 22(158), 209–212; Brown,
    Cai, DasGupta (2001), Statistical Science 16(2), 101–133.
#}
{% macro wilson_bound(successes, trials, side) -%}
    {%- set z = '1.959963984540054::double precision' -%}
    {%- set n = 'nullif(' ~ trials ~ ', 0)::double precision' -%}
    {%- set p = '(' ~ successes ~ ' / ' ~ n ~ ')' -%}
    {%- set sign = {'low': '-', 'high': '+'}[side] -%}
    (
        (
            {{ p }} + {{ z }} * {{ z }} / (2 * {{ n }})
            {{ sign }} {{ z }} * sqrt(
                {{ p }} * (1 - {{ p }}) / {{ n }} + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }})
            )
        ) / (1 + {{ z }} * {{ z }} / {{ n }})
    )
{%- endmacro %}
