{#
    Whether a row must be suppressed (boolean): it has 1 up to min_cell_size - 1 patients.

    patients: the exact number of distinct patients behind the row.
#}
{% macro is_small(patients) -%}
    ({{ patients }} > 0 and {{ patients }} < {{ var('min_cell_size') }})
{%- endmacro %}
