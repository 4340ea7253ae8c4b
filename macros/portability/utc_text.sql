{#
    A timestamptz expression as text in UTC with microseconds, `2019-06-30T23:59:59.000000`; null for
    null. A plain cast to text depends on the session's settings, so keys are made from this.
#}
{% macro utc_text(expression) -%}
    {{ return(adapter.dispatch('utc_text', 'casebook')(expression)) }}
{%- endmacro %}

{% macro postgres__utc_text(expression) -%}
    to_char({{ time_in_zone(expression, 'UTC') }}, 'YYYY-MM-DD"T"HH24:MI:SS.US')
{%- endmacro %}
