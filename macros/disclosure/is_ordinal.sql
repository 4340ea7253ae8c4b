{#
    Whether a text is a place in a list of its own (boolean), such as cluster-012, which tells nothing
    of a row.
#}
{% macro is_ordinal(expression) -%}
    {{ return(matches_pattern(expression, '^([a-z]+-)?[0-9]{1,4}$')) }}
{%- endmacro %}
