{#
    Whether a text is three digits of a ZIP code that may be shown (boolean).

    sparse_zip3: relation or CTE with the prefixes (zip3) that may not.
#}
{% macro is_zip3(expression, sparse_zip3) -%}
    ({{ matches_pattern(expression, '^[0-9]{3}$') }}
    and {{ expression }} not in (select zip3 from {{ sparse_zip3 }}))
{%- endmacro %}
