{#
    The CPT or HCPCS code inside a text expression (text), in the spelling of the CPT map; null when
    there is none.

    Exports write codes as the billing system happens to: in lower case, with blanks around, with the
    `.0` that a spreadsheet adds, with modifiers (`71046-26`, `71046 TC`, `71046-26-GC`). What is left
    must have the shape of a code: a digit or letter, three digits, a digit or letter (category I, II
    and III codes, HCPCS level II). Any other text names no procedure, and guessing one would put a
    study on the wrong side; it becomes null and is listed in data_findings.
#}
{% macro normalised_cpt(expression) -%}
    {%- set spelled = "upper(trim(" ~ expression ~ "))" -%}
    {%- set shape = '^[0-9A-Z][0-9]{3}[0-9A-Z]([.]0*)?([ ,-]+[0-9A-Z]{2})*$' -%}
    case when {{ matches_pattern(spelled, shape) }} then substr({{ spelled }}, 1, 5) end
{%- endmacro %}
