{#
    Whether a text expression contains a match of a regular expression (boolean); null for null.
    `pattern` is a plain string; keep to syntax that POSIX and Java share.
#}
{% macro matches_pattern(expression, pattern) -%}
    {{ return(adapter.dispatch('matches_pattern', 'casebook')(expression, pattern)) }}
{%- endmacro %}

{% macro postgres__matches_pattern(expression, pattern) -%}
    ({{ expression }} ~ {{ dbt.string_literal(pattern) }})
{%- endmacro %}
