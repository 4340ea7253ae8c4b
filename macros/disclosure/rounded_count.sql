{#
    A count of other people that may be shown (integer): null when the row is small, 0 for 0, else
    rounded to the nearest count_rounding, halves away from zero.

    patients: the exact number of distinct patients behind the row. suppressed: for a row with several
    patient counts, a boolean expression that takes the place of is_small(patients).
#}
{% macro rounded_count(count, patients, suppressed=none) -%}
    case
        when {{ suppressed or is_small(patients) }} then null
        else (
            round({{ count }}::numeric / {{ var('count_rounding') }}) * {{ var('count_rounding') }}
        )::integer
    end
{%- endmacro %}
