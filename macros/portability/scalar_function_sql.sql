{#
    How functions of functions/ are built. dbt knows SQL as the only language of bodies that are not
    Python or JavaScript, and replaces no function whose arguments or result have changed. Here
    `config.meta.language` names the language (default: sql), the names in a body are looked up in
    pg_catalog alone unless they carry a schema, and the function is made anew each time.

    The publisher makes the same function in readers' databases, from the same compiled body.
#}
{% macro postgres__scalar_function_sql(target_relation) -%}
    drop function if exists {{ target_relation.render() }};
    {{ scalar_function_create_replace_signature_sql(target_relation) }}
    {{ scalar_function_body_sql() }};
{%- endmacro %}

{% macro postgres__scalar_function_body_sql() -%}
    $function$
{{ model.compiled_code }}
    $function$
    language {{ model.config.meta.get('language', 'sql') }}
    set search_path to pg_catalog, pg_temp
{%- endmacro %}
