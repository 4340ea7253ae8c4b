{#
    The query of the models landed_<domain>_verdicts: what is wrong or odd in the landed records that
    count, by the rules of the seeds' yml, which `casebook load` applies to files. Built when the
    domain's source is 'landed', before staging reads anything.

    One row per table, column and reason that at least one record has: verdict_id, table_name, column_name (null
    where it is about whole records), kind (the rule, or what happened), is_refused (false: only told),
    reason, record_count and example_record (an _airbyte_raw_id; null where none is among those that count).
#}
{% macro landed_verdicts(domain, table_names) -%}
    {{ config(enabled=var(domain ~ '_source') == 'landed') }}
    {%- set models = {} -%}
    {%- for table_name in table_names -%}
        {%- do models.update({table_name: ref('landed_' ~ domain ~ '__' ~ table_name)}) -%}
    {%- endfor -%}
    {%- if not execute -%}
        {{ return('select * from ' ~ models.values() | first) }}
    {%- endif -%}
with
    {%- for table_name in table_names %}

{{ table_name }} as not materialized (

    select * from {{ models[table_name] }}

),

    {%- endfor %}
    {%- for table_name in table_names %}
        {%- set columns = raw_rules(domain, table_name) %}
        {%- set rules = row_rules(columns) %}

{{ table_name }}_checked as (

    select
        {%- for column, kind, is_refused, reason, condition in rules %}
        count(*) filter (where {{ condition }}) as count_{{ loop.index }},
        min(record_id) filter (where {{ condition }}) as example_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ table_name }}

),

{{ table_name }}_verdicts as (

    select verdicts.*
    from {{ table_name }}_checked
    cross join lateral (
        values
        {%- for column, kind, is_refused, reason, condition in rules %}
        (
            '{{ column.name }}', '{{ kind }}', {{ is_refused }}, {{ dbt.string_literal(reason) }},
            count_{{ loop.index }}, example_{{ loop.index }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as verdicts (column_name, kind, is_refused, reason, record_count, example_record)
        {%- for verdict in landed_set_verdicts(domain, table_name, columns) %}

    union all

    {{ verdict }}
        {%- endfor %}

),
    {%- endfor %}

final as (
    {%- for table_name in table_names %}

    select
        '{{ table_name }}' || coalesce('.' || column_name, '') || ' ' || kind as verdict_id,
        '{{ table_name }}' as table_name,
        column_name,
        kind,
        is_refused,
        reason,
        record_count::integer as record_count,
        example_record
    from {{ table_name }}_verdicts
    where record_count > 0
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
{%- endmacro %}
