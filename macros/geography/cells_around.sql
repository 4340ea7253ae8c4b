{#
    A query: the `columns` of each row of a relation, once for every cell that a home within the
    radius can be in, as cell_row and cell_column. row_reach: how many rows away that may be.

    To be materialized. Inlined, its sums would be a part of the join, and cells might be sought by
    their row alone, which is every home of a circle of latitude.
#}
{% macro cells_around(relation, columns, row_reach=2) -%}
    select
        {%- for column in columns %}
        {{ relation }}.{{ column }},
        {%- endfor %}
        {{ relation }}.cell_row + row_offset as cell_row,
        {{ relation }}.cell_column + column_offset as cell_column
    from {{ relation }}
    cross join generate_series(-{{ row_reach }}, {{ row_reach }}) as row_offset
    cross join generate_series(-{{ relation }}.column_reach, {{ relation }}.column_reach) as column_offset
{%- endmacro %}
