{#
    How a table that Airbyte landed carries the columns of the raw table, as a mapping:

    columns: list of {name, data_type, landed_name, landed_type}, in the order of the seed that
             describes the raw table; names match without regard to case, blanks, hyphens and
             underscores, and what else the landed table has is left alone.
    has_generation, has_deletion: whether it has Airbyte's _airbyte_generation_id, and the mark that
             change data capture puts on a deleted record.

    A compiler error when the table cannot be read, or lacks a column or has it twice.
#}
{% macro landed_columns(domain, table_name) -%}
    {%- set relation = source(domain ~ '_landed', table_name) -%}
    {%- set place = relation.schema ~ '.' ~ relation.identifier -%}
    {%- set landed, twice = {}, [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- set name = column.name | lower | replace('_', '') | replace(' ', '') | replace('-', '') -%}
        {%- do twice.append(name) if name in landed -%}
        {%- do landed.update({name: column}) -%}
    {%- endfor -%}
    {%- if not landed -%}
        {{ exceptions.raise_compiler_error(
            "The landed table " ~ place ~ " is missing, or " ~ target.user ~ " may not read it."
        ) }}
    {%- endif -%}

    {%- set seed = graph.nodes['seed.' ~ project_name ~ '.' ~ domain ~ '__' ~ table_name] -%}
    {%- set columns = [] -%}
    {%- for name, data_type in seed.config.column_types.items() -%}
        {%- set column = landed.get(name | replace('_', '')) -%}
        {%- if column is none or name | replace('_', '') in twice -%}
            {{ exceptions.raise_compiler_error(
                "The landed table " ~ place ~ (" lacks the column " if column is none
                else " has twice, in two spellings, the column ") ~ name ~ "."
            ) }}
        {%- endif -%}
        {%- do columns.append({
            'name': name,
            'data_type': data_type,
            'landed_name': column.name,
            'landed_type': column.dtype,
        }) -%}
    {%- endfor -%}
    {{ return({
        'columns': columns,
        'has_generation': 'airbytegenerationid' in landed,
        'has_deletion': 'abcdcdeletedat' in landed,
    }) }}
{%- endmacro %}
