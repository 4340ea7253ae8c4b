{#
    Notes in the warehouse which dbt invocation last wrote there: casebook.last_build, one row. The
    publisher compares it with the run results that it is given, so that tables which something else
    has written since are never published as tested. Runs at the start of every invocation that
    writes; a developer's own schemas are not published and leave no note.

    advocacy_source is the variable of that name. pseudonym_key_id tells keys apart and nothing of
    them: 16 hex digits of a hash. From both the publisher sees what was built with the development
    key and is not the sample.
#}
{% macro record_build() -%}
    {%- if execute and target.schema == 'casebook'
        and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'clone') -%}
        {%- set key_id =
            "left(" ~ sha256_hex("'casebook pseudonym key' || chr(31) || " ~ pseudonym_key()) ~ ", 16)"
        -%}
        create schema if not exists casebook;
        create table if not exists casebook.last_build (
            only_row boolean primary key default true check (only_row),
            invocation_id text not null,
            started_at timestamptz not null,
            advocacy_source text,
            pseudonym_key_id text
        );
        -- A table of an earlier release. Asked first, because altering waits for whoever reads it.
        do $migrate$
        begin
            if not exists (
                select from pg_attribute
                where attrelid = 'casebook.last_build'::regclass and attname = 'pseudonym_key_id'
            ) then
                alter table casebook.last_build add advocacy_source text, add pseudonym_key_id text;
            end if;
        end
        $migrate$;
        insert into casebook.last_build (
            invocation_id, started_at, advocacy_source, pseudonym_key_id
        )
        values (
            '{{ invocation_id }}', now(), {{ dbt.string_literal(var('advocacy_source')) }}, {{ key_id }}
        )
        on conflict (only_row) do update set
            invocation_id = excluded.invocation_id,
            started_at = excluded.started_at,
            advocacy_source = excluded.advocacy_source,
            pseudonym_key_id = excluded.pseudonym_key_id;
    {%- endif -%}
{%- endmacro %}
