{#
    Whether a rounded total and its rounded parts, taken together, tell no more of any of them than each
    tells by itself (boolean): the parts can be as small, or as great, as they look while the total is
    whatever it looks like, and the other way round.

    low, high: ends of the interval that the total's figure stands for. sum_low, sum_high: sums of the
    parts' ends. widest: greatest high - low of a part.
#}
{% macro tells_no_more(low, high, sum_low, sum_high, widest) -%}
    (
        {{ sum_low }} <= least({{ low }}, {{ high }} - {{ widest }})
        and {{ sum_high }} >= greatest({{ high }}, {{ low }} + {{ widest }})
    )
{%- endmacro %}
