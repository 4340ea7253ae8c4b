{#
    A text expression to order or break ties by: compared byte by byte (text), so that the order is
    the same on every server whatever its locale.
#}
{% macro code_order(expression) -%}
    {{ return(adapter.dispatch('code_order', 'casebook')(expression)) }}
{%- endmacro %}

{% macro postgres__code_order(expression) -%}
    {{ expression }} collate "C"
{%- endmacro %}
