{#
    The query of a model in models/landed: what counts of the records that Airbyte landed, in the
    shape of the raw table. A table because Airbyte replaces its own whenever it likes, and nothing may
    hang on these; and so that a whole build reads the same records. Built when the domain's source
    is 'landed'.

    key: the column that tells records apart. Of each, the record extracted last counts (ties: the
    higher _airbyte_raw_id), and if that one says deleted, none. Without a key equal rows are different
    records: those of the last generation count, each _airbyte_raw_id once. Why:
    docs/decisions/0011-landed-records.md.

    Adds to the raw table's columns unreadable_columns (text: which of them hold a value that is not
    of their type and are null, with commas between; null where all are well), changed_columns (text:
    columns whose value Airbyte could not keep, each with what it did, as `rvu:nulled`; null where
    there is none), record_id (text), extracted_at
    (timestamptz) and newer_left_out (integer, the same in each row: records of earlier generations that
    were extracted after all that count). Where a column has the rule warn_left_out, also
    later_left_out (integer) and latest_left_out (timestamptz), the same in each row: how many records
    of earlier generations are later by that column than all that count, and the latest. Whatever type
    Airbyte's own columns have, they are read.
#}
{% macro landed_records(domain, table_name, key=none) -%}
    {{ config(enabled=var(domain ~ '_source') == 'landed') }}
    {%- set relation = source(domain ~ '_landed', table_name) -%}
    {%- if not execute -%}
        {{ return('select * from ' ~ relation) }}
    {%- endif -%}
    {%- set landed = landed_columns(domain, table_name) -%}
    {%- set readable, typed = {}, {} -%}
    {%- set dated = landed.columns | selectattr('warn_left_out') | first -%}
    {%- for column in landed.columns -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- if column.data_type != 'text' -%}
            {%- do typed.update({column.name: reads_as(name, column.data_type)}) -%}
            {%- do readable.update(typed) -%}
        {%- elif is_floating(column.landed_type) -%}
            {%- set exact = 16777216 if column.landed_type == 'real' else 9007199254740992 -%}
            {%- do readable.update({column.name: '(abs(' ~ name ~ '::numeric) < ' ~ exact ~ ')'}) -%}
        {%- endif -%}
    {%- endfor -%}
with

landed as (

    select * from {{ relation }}

),

received as (

    select
        *,
        _airbyte_raw_id::text as record_id,
        {%- if landed.extracted_type == 'timestamp without time zone' %}
        _airbyte_extracted_at at time zone 'UTC' as extracted_at
        {%- else %}
        _airbyte_extracted_at::timestamptz as extracted_at
        {%- endif %}
        {%- if landed.has_generation and not key %},
        coalesce(_airbyte_generation_id::text::numeric, 0) as landed_generation
        {%- endif %}
    from landed

),

placed as (

    select
        *,
        row_number() over (
            partition by
            {%- if key %}
                coalesce(trim({{ landed_text(
                    landed.columns | selectattr('name', 'equalto', key) | first
                ) }}), record_id)
            {%- else %}
                record_id
            {%- endif %}
            order by extracted_at desc, record_id desc
        ) as landed_place
        {%- if landed.has_generation and not key %},
        max(landed_generation) over () as last_generation
        {%- endif %}
    from received

),

counted as (

    select * from placed
    where
        landed_place = 1
        {%- if landed.has_generation and not key %}
        and landed_generation = last_generation
        {%- endif %}
        {%- if landed.has_deletion and key %}
        and nullif(_ab_cdc_deleted_at::text, '') is null
        {%- endif %}

),

        {%- if landed.has_generation and not key %}

left_out as (

    select
        {%- if dated %}
        {{ landed_text(dated) }} as {{ adapter.quote(dated.name) }},
        {%- endif %}
        extracted_at > (select max(extracted_at) from counted) as is_newer
    from placed
    where landed_generation < last_generation

),
        {%- endif %}

worded as (

    select
        {%- for column in landed.columns %}
        {{ landed_text(column) }} as {{ adapter.quote(column.name) }},
        {%- endfor %}
        {%- if landed.has_meta %}
        {{ landing_changes('_airbyte_meta') }} as changed_columns,
        {%- else %}
        null::text as changed_columns,
        {%- endif %}
        record_id,
        extracted_at
    from counted

),

-- Once, and not anew for each record that it is joined to.
left_out_counted as materialized (

        {%- if landed.has_generation and not key %}

    select
        {%- if dated %}
        {%- set name = adapter.quote(dated.name) %}
        {%- set time = 'case when ' ~ typed[dated.name] ~ ' then ' ~ name ~ '::timestamptz end' %}
        count(*) filter (where {{ time }} > (select max({{ time }}) from worded)) as later_left_out,
        max({{ time }}) as latest_left_out,
        {%- endif %}
        count(*) filter (where is_newer) as newer_left_out
    from left_out
        {%- else %}

    select
        {%- if dated %}
        0 as later_left_out,
        null::timestamptz as latest_left_out,
        {%- endif %}
        0 as newer_left_out
        {%- endif %}

),

final as (

    select
        {%- for column in landed.columns %}
        {%- set name = adapter.quote(column.name) %}
        {%- if column.name in typed %}
        case when {{ typed[column.name] }} then {{ name }}::{{ column.data_type }} end as {{ name }},
        {%- else %}
        {{ name }},
        {%- endif %}
        {%- endfor %}
        {%- if readable %}
        nullif(concat_ws(
            ',',
            {%- for name, is_readable in readable.items() %}
            case when not {{ is_readable }} then '{{ name }}' end{{ ',' if not loop.last }}
            {%- endfor %}
        ), '') as unreadable_columns,
        {%- else %}
        null::text as unreadable_columns,
        {%- endif %}
        changed_columns,
        record_id,
        extracted_at,
        {%- if dated %}
        left_out_counted.later_left_out::integer as later_left_out,
        left_out_counted.latest_left_out,
        {%- endif %}
        left_out_counted.newer_left_out::integer as newer_left_out
    from worded
    cross join left_out_counted

)

select * from final
{%- endmacro %}
