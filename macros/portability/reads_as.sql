{#
    Whether a text expression reads as a finite value of a type (boolean); null for null. A word like
    `today`, which PostgreSQL takes for a day, does not read as a time.
    prepare_reads_as() has to have run before.
#}
{% macro reads_as(expression, data_type) -%}
    {{ return(adapter.dispatch('reads_as', 'casebook')(expression, data_type)) }}
{%- endmacro %}

{% macro postgres__reads_as(expression, data_type) -%}
    {%- set reads = 'pg_input_is_valid' if postgres_can_tell_input() else target.schema ~ '.reads_as' -%}
    (
        {{ expression }} !~* '^\s*[+-]?(nan|inf|infinity)\s*$'
        {%- if data_type.startswith('date') or data_type.startswith('timestamp') %}
        and {{ expression }} !~* 'now|today|tomorrow|yesterday|epoch'
        {%- endif %}
        and {{ reads }}({{ expression }}, {{ dbt.string_literal(data_type) }})
    )
{%- endmacro %}

{#
    What reads_as() needs in the database, for on-run-start: nothing from PostgreSQL 16 on. Before, no
    function of the server's own can tell, so one of ours tries the value, a tenth as fast.
#}
{% macro prepare_reads_as() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test') -%}
        {{ return(adapter.dispatch('prepare_reads_as', 'casebook')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro postgres__prepare_reads_as() -%}
    {%- if not postgres_can_tell_input() -%}
        create schema if not exists {{ target.schema }};
        create or replace function {{ target.schema }}.reads_as(value text, data_type text)
        returns boolean
        language plpgsql
        stable
        strict
        as $function$
        begin
            execute format('select %L::%s', value, data_type);
            return true;
        exception
            when data_exception then
                return false;
        end
        $function$;
    {%- endif -%}
{%- endmacro %}

{# Whether the server has pg_input_is_valid: from PostgreSQL 16 on. #}
{% macro postgres_can_tell_input() -%}
    {{ return(execute and run_query('show server_version_num').rows[0][0] | int >= 160000) }}
{%- endmacro %}
