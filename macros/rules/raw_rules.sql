{#
    What the seed that describes a raw table says of its columns, as a list in their order, each with
    name, data_type and the rules of its meta: required, key, optional, minimum, maximum, not_before,
    warn_missing, warn_after, warn_before, warn_longer_than, warn_without, warn_left_out and
    many_to_many (false or none without); and reference, {table, column} of the row that a value has to
    lead to, from its relationships test.
    Only when executing.
#}
{% macro raw_rules(domain, table_name) -%}
    {%- set seed_id = 'seed.' ~ project_name ~ '.' ~ domain ~ '__' ~ table_name -%}
    {%- set seed = graph.nodes[seed_id] -%}
    {%- set references = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'test' and node.attached_node == seed_id
        and node.test_metadata.name == 'relationships' -%}
        {%- for parent in node.depends_on.nodes if parent != seed_id -%}
            {%- do references.update({node.column_name: {
                'table': graph.nodes[parent].alias, 'column': node.test_metadata.kwargs.field
            }}) -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- set columns = [] -%}
    {%- for name, data_type in seed.config.column_types.items() -%}
        {%- set rules = {'name': name, 'data_type': data_type, 'reference': references.get(name)} -%}
        {%- do rules.update(seed.columns[name].config.meta) if name in seed.columns -%}
        {%- do columns.append(rules) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
