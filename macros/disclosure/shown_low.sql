{#
    The smallest count (integer) that the rule for other people's counts shows in the same way as this
    one: 0 for 0, 1 for a suppressed one, else the lower end of what is rounded to the same figure.
#}
{% macro shown_low(count) -%}
    case
        when {{ count }} = 0 then 0
        when {{ is_small(count) }} then 1
        else greatest(
            {{ var('min_cell_size') }},
            {{ rounded_count(count, count) }} - {{ var('count_rounding') // 2 }}
        )
    end
{%- endmacro %}
