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
    of their type and are null, with commas between; null where all are well) and extracted_at
    (timestamptz).
#}
{% macro landed_records(domain, table_name, key=none) -%}
    {{ config(enabled=var(domain ~ '_source') == 'landed') }}
    {%- set relation = source(domain ~ '_landed', table_name) -%}
    {%- if not execute -%}
        {{ return('select * from ' ~ relation) }}
    {%- endif -%}
    {%- set landed = landed_columns(domain, table_name) -%}
    {%- set readable = {} -%}
    {%- for column in landed.columns if column.data_type != 'text' -%}
        {%- do readable.update(
            {column.name: reads_as(adapter.quote(column.name), column.data_type)}
        ) -%}
    {%- endfor -%}
with

landed as (

    select * from {{ relation }}

),

placed as (

    select
        *,
        row_number() over (
            partition by
            {%- if key %}
                coalesce(trim({{ landed_text(
                    landed.columns | selectattr('name', 'equalto', key) | first
                ) }}), _airbyte_raw_id)
            {%- else %}
                _airbyte_raw_id
            {%- endif %}
            order by _airbyte_extracted_at desc, _airbyte_raw_id desc
        ) as landed_place
        {%- if landed.has_generation and not key %},
        coalesce(_airbyte_generation_id, 0) as landed_generation,
        max(coalesce(_airbyte_generation_id, 0)) over () as last_generation
        {%- endif %}
    from landed

),

counted as (

    select * from placed
    where
        landed_place = 1
        {%- if landed.has_generation and not key %}
        and landed_generation = last_generation
        {%- endif %}
        {%- if landed.has_deletion and key %}
        and _ab_cdc_deleted_at is null
        {%- endif %}

),

worded as (

    select
        {%- for column in landed.columns %}
        {{ landed_text(column) }} as {{ adapter.quote(column.name) }},
        {%- endfor %}
        _airbyte_extracted_at as extracted_at
    from counted

),

final as (

    select
        {%- for column in landed.columns %}
        {%- set name = adapter.quote(column.name) %}
        {%- if column.name in readable %}
        case when {{ readable[column.name] }} then {{ name }}::{{ column.data_type }} end as {{ name }},
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
        extracted_at
    from worded

)

select * from final
{%- endmacro %}
