{#
    A text expression with every match of a regular expression replaced (text); null for null.
    `pattern` and `replacement` are plain strings; keep to syntax that POSIX and Java share.
#}
{% macro replace_pattern(expression, pattern, replacement='') -%}
    {{ return(adapter.dispatch('replace_pattern', 'casebook')(expression, pattern, replacement)) }}
{%- endmacro %}

{% macro postgres__replace_pattern(expression, pattern, replacement) -%}
    regexp_replace(
        {{ expression }}, {{ dbt.string_literal(pattern) }}, {{ dbt.string_literal(replacement) }}, 'g'
    )
{%- endmacro %}
