{#
    The category columns of a wide case-log report, one per category: its value on the rows of a
    resident, cast to the type of the contract. Goes behind resident_name in a query that groups by it.

    category_ids: list of category ids, from category_columns; value: expression; data_type: its type.
#}
{% macro per_category(category_ids, value, data_type) -%}
    {%- for category_id in category_ids -%}
        max(case when category_id = '{{ category_id }}' then {{ value }} end)::{{ data_type }}
            as {{ category_id }}{{ ',' if not loop.last }}
        {% endfor -%}
{%- endmacro %}
