{#
    Money of other people as the rule rounds it (numeric, US dollars): to the nearest multiple of a step,
    halves away from zero, and null where it is hidden.

    step: money_step of what it paid for. hidden: a boolean expression.
#}
{% macro rounded_money(total, step, hidden) -%}
    case
        when not {{ hidden }} then round({{ total }}::numeric / {{ step }}) * {{ step }}
    end
{%- endmacro %}
