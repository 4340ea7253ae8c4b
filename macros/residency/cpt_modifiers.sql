{#
    The modifiers of a CPT text (text), in capitals and in the text's order, each between two blanks
    (`  26  GC `), so that ` 26 ` is found in whatever place; null when the text holds no code.
#}
{% macro cpt_modifiers(expression) -%}
    {%- set without_decimals = replace_pattern("upper(trim(" ~ expression ~ "))", '[.]0*') -%}
    case
        when {{ normalised_cpt(expression) }} is not null
            then {{ replace_pattern("substr(" ~ without_decimals ~ ", 6)", '[ ,-]+', '  ') }} || ' '
    end
{%- endmacro %}
