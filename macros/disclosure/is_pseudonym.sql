{#
    Whether a text looks like a pseudonym (boolean): 32 hex digits, the only way in which a row of a
    patient may name anything.
#}
{% macro is_pseudonym(expression) -%}
    {{ return(matches_pattern(expression, '^[0-9a-f]{32}$')) }}
{%- endmacro %}
