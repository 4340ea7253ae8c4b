{#
    The greatest count (integer) that the rule for other people's counts shows in the same way as this
    one: 0 for 0, min_cell_size - 1 for a suppressed one, else the upper end of what is rounded to the
    same figure.
#}
{% macro shown_high(count) -%}
    case
        when {{ count }} = 0 then 0
        when {{ is_small(count) }} then {{ var('min_cell_size') - 1 }}
        else {{ rounded_count(count, count) }} + {{ (var('count_rounding') + 1) // 2 - 1 }}
    end
{%- endmacro %}
