{#
    How a table that Airbyte landed carries the columns of the raw table, as a mapping:

    columns: list of {name, data_type, landed_name, landed_type, warn_left_out}, in the order of the
             seed that describes the raw table; names match without regard to case, blanks, hyphens
             and underscores, and what else the landed table has is left alone. landed_name is none
             for an optional column that the landed table lacks; warn_left_out is the seed's rule.
    extracted_type: type of Airbyte's _airbyte_extracted_at.
    has_generation, has_meta, has_deletion: whether it has Airbyte's _airbyte_generation_id, its
             _airbyte_meta, and the mark that change data capture puts on a deleted record.

    A compiler error when the table cannot be read, or lacks a column or has it twice.
#}
{% macro landed_columns(domain, table_name) -%}
    {%- set relation = source(domain ~ '_landed', table_name) -%}
    {%- set place = relation.schema ~ '.' ~ relation.identifier -%}
    {%- set landed, twice = {}, [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- set name = comparable_name(column.name) -%}
        {%- do twice.append(name) if name in landed -%}
        {%- do landed.update({name: column}) -%}
    {%- endfor -%}
    {%- if not landed -%}
        {{ exceptions.raise_compiler_error(
            "The landed table " ~ place ~ " is missing, or " ~ target.user ~ " may not read it."
        ) }}
    {%- endif -%}

    {%- set columns = [] -%}
    {%- for rules in raw_rules(domain, table_name) -%}
        {%- set name = comparable_name(rules.name) -%}
        {%- set column = landed.get(name) -%}
        {%- if (column is none and not rules.optional) or name in twice -%}
            {{ exceptions.raise_compiler_error(
                "The landed table " ~ place ~ (" lacks the column " if column is none
                else " has twice, in two spellings, the column ") ~ rules.name ~ "."
            ) }}
        {%- endif -%}
        {%- do columns.append({
            'name': rules.name,
            'data_type': rules.data_type,
            'landed_name': column.name if column else none,
            'landed_type': column.dtype if column else none,
            'warn_left_out': rules.warn_left_out,
        }) -%}
    {%- endfor -%}
    {{ return({
        'columns': columns,
        'extracted_type': landed['airbyteextractedat'].dtype,
        'has_generation': 'airbytegenerationid' in landed,
        'has_meta': 'airbytemeta' in landed,
        'has_deletion': 'abcdcdeletedat' in landed,
    }) }}
{%- endmacro %}
