{#
    What money of other people is rounded to multiples of (numeric, US dollars): the greater of
    money_rounding and count_rounding times a price. Rounded to less, the cost of procedures that
    all cost about the same would tell their number more closely than the rounded count does.

    price: what a procedure costs on average. Null when it is.
#}
{% macro money_step(price) -%}
    case
        when {{ price }} is not null
            then greatest({{ var('money_rounding') }}, {{ var('count_rounding') }} * {{ price }})
    end
{%- endmacro %}
