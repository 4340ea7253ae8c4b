{#
    A share of other people that may be shown (numeric): to the nearest 0.01, 0.02, 0.05, 0.1 or 0.25,
    the finest of which count_rounding people or more are a step, so that it tells no more of how many
    the part is than a rounded count would; null where fewer than that are a quarter.

    part, whole: exact counts.
#}
{% macro rounded_share(part, whole) -%}
    case
        {%- for step in ['0.01', '0.02', '0.05', '0.1', '0.25'] %}
        when {{ step }} * {{ whole }} >= {{ var('count_rounding') }}
            then round({{ part }}::numeric / {{ whole }} / {{ step }}) * {{ step }}
        {%- endfor %}
    end
{%- endmacro %}
