{#
    Money of other people that may be shown (numeric, US dollars): null when the row is small or the two
    patients with the largest parts hold more than dominance_share of it, else rounded to the nearest
    money_rounding.

    patients: the exact number of distinct patients behind the row. top_two: the sum of its two largest
    patients. suppressed: as in rounded_count.
#}
{% macro rounded_money(total, patients, top_two, suppressed=none) -%}
    case
        when {{ suppressed or is_small(patients) }} then null
        when {{ patients }} > 0 and {{ top_two }} > {{ var('dominance_share') }} * {{ total }} then null
        else round({{ total }}::numeric / {{ var('money_rounding') }}) * {{ var('money_rounding') }}
    end
{%- endmacro %}
