{#
    Notes in the warehouse which dbt invocation last wrote there: casebook.last_build, one row. The
    publisher compares it with the run results that it is given, so that tables which something else
    has written since are never published as tested. Runs at the start of every invocation that
    writes; a developer's own schemas are not published and leave no note.

    residency_source, advocacy_source and service_date_precision are the variables of these names,
    wherever they were given. pseudonym_key_id tells keys apart and nothing of them: 16 hex digits of a
    hash. From these the publisher sees what each domain was built from, whether something else than the
    sample was built with the development key, and how precise the dates are.
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
            service_date_precision text,
            pseudonym_key_id text,
            residency_source text
        );
        -- A table of an earlier release. Asked first, because altering waits for whoever reads it.
        do $migrate$
        begin
            if not exists (
                select from pg_attribute
                where attrelid = 'casebook.last_build'::regclass and attname = 'residency_source'
            ) then
                alter table casebook.last_build
                    add column if not exists advocacy_source text,
                    add column if not exists pseudonym_key_id text,
                    add column if not exists service_date_precision text,
                    add residency_source text;
            end if;
        end
        $migrate$;
        insert into casebook.last_build (
            invocation_id, started_at, advocacy_source, service_date_precision, pseudonym_key_id,
            residency_source
        )
        values (
            '{{ invocation_id }}', now(), {{ dbt.string_literal(var('advocacy_source')) }},
            {{ dbt.string_literal(var('service_date_precision')) }}, {{ key_id }},
            {{ dbt.string_literal(var('residency_source')) }}
        )
        on conflict (only_row) do update set
            invocation_id = excluded.invocation_id,
            started_at = excluded.started_at,
            advocacy_source = excluded.advocacy_source,
            service_date_precision = excluded.service_date_precision,
            pseudonym_key_id = excluded.pseudonym_key_id,
            residency_source = excluded.residency_source;
    {%- endif -%}
{%- endmacro %}
