{#
    The raw table of a domain, from the source that the domain's variable names: the shipped sample
    (a seed), the export that `casebook load` took, or what counts of the tables that Airbyte landed. No
    source overwrites another: each has a schema of its own.
#}
{% macro raw_table(domain, table_name) -%}
    {%- set source_variable = domain ~ '_source' -%}
    {%- set domain_source = var(source_variable) -%}
    {%- if domain_source == 'sample' -%}
        {{ return(ref(domain ~ '__' ~ table_name)) }}
    {%- elif domain_source == 'export' -%}
        {{ return(source(domain ~ '_export', table_name)) }}
    {%- elif domain_source == 'landed' -%}
        {#- Nothing is read before the records are judged. -#}
        {%- do ref('landed_' ~ domain ~ '_verdicts') -%}
        {{ return(ref('landed_' ~ domain ~ '__' ~ table_name)) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "Variable " ~ source_variable ~ " is '" ~ domain_source ~ "'. Use 'sample', 'export' or 'landed'."
        ) }}
    {%- endif -%}
{%- endmacro %}
