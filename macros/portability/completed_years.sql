{#
    Completed years between two dates (integer), as ages are told; null when either is. Who is born on
    29 February completes a year on 1 March of other years.
#}
{% macro completed_years(from_date, to_date) -%}
    {{ return(adapter.dispatch('completed_years', 'casebook')(from_date, to_date)) }}
{%- endmacro %}

{% macro postgres__completed_years(from_date, to_date) -%}
    extract(year from age({{ to_date }}, {{ from_date }}))::integer
{%- endmacro %}
