{#
    A query of what the marts of patients show: one row per mart, column and value that is not null, as
    text, with the number of rows that hold it (relation_name, column_name, shown_value, row_count).

    types: data types of the columns to look at. by_scope: only marts that are read by scope, and
    scope_id as a column more.
#}
{% macro shown_values(types, by_scope=false) -%}
    {%- set queries = [] -%}
    {%- for mart in shown_marts() if mart.is_scoped or not by_scope -%}
        {%- for column in mart.columns if column.data_type in types -%}
            {%- set query -%}
                select
                    '{{ mart.name }}' as relation_name,
                    '{{ column.name }}' as column_name,
                    {% if by_scope %}scope_id,{% endif %}
                    {{ column.name }}::text as shown_value,
                    count(*) as row_count
                from {{ mart.relation }}
                where {{ column.name }} is not null
                group by {% if by_scope %}scope_id,{% endif %} {{ column.name }}
            {%- endset -%}
            {%- do queries.append(query) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ queries | join('\nunion all\n') }}
{%- endmacro %}
