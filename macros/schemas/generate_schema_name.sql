{#
    The schema of a node. In the shared warehouse (target schema `casebook`) a folder's schema is taken
    as it stands, so that marts are found under the names of the public interface; under any other
    target schema it is prefixed with it, so that a developer's build stays apart.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif target.schema == 'casebook' -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
