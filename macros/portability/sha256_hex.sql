{#
    SHA-256 of a text expression's UTF-8 bytes as 64 lower-case hex digits (text); null for null.
    Only core functions, so that it works on every server that the project supports.
#}
{% macro sha256_hex(expression) -%}
    {{ return(adapter.dispatch('sha256_hex', 'casebook')(expression)) }}
{%- endmacro %}

{% macro postgres__sha256_hex(expression) -%}
    encode(sha256(convert_to({{ expression }}, 'UTF8')), 'hex')
{%- endmacro %}
