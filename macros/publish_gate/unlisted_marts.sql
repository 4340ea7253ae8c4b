{#
    Names of public marts outside residency that shown_marts does not list, and that no test of the gate
    would therefore look at. Empty while dbt parses.
#}
{% macro unlisted_marts() -%}
    {%- set listed = shown_marts() | map(attribute='name') | list -%}
    {%- set unlisted = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.access == 'public'
            and node.original_file_path.replace('\\', '/').startswith('models/marts/')
            and node.config.schema != 'residency' and node.name not in listed -%}
            {%- do unlisted.append(node.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(unlisted) }}
{%- endmacro %}
