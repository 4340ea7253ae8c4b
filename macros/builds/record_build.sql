{#
    Notes in the warehouse which dbt invocation last wrote there: casebook.last_build, one row. The
    publisher compares it with the run results that it is given, so that tables which something else
    has written since are never published as tested. Runs at the start of every invocation that
    writes; a developer's own schemas are not published and leave no note.
#}
{% macro record_build() -%}
    {%- if execute and target.schema == 'casebook'
        and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'clone') -%}
        create schema if not exists casebook;
        create table if not exists casebook.last_build (
            only_row boolean primary key default true check (only_row),
            invocation_id text not null,
            started_at timestamptz not null
        );
        insert into casebook.last_build (invocation_id, started_at)
        values ('{{ invocation_id }}', now())
        on conflict (only_row) do update set
            invocation_id = excluded.invocation_id,
            started_at = excluded.started_at;
    {%- endif -%}
{%- endmacro %}
