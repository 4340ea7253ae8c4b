{%- set is_landed = var('residency_source') == 'landed' -%}
with

verdicts as (

    {%- if is_landed %}

    select * from {{ ref('landed_residency_verdicts') }}
    {%- else %}

    select
        null::text as table_name,
        null::text as column_name,
        null::text as kind,
        null::text as reason,
        0 as record_count
    where false
    {%- endif %}

),

final as (

    select
        case
            when kind in ('not_counted', 'later_left_out') then 'newer_records_left_out'
            else 'lost_in_landing'
        end as finding,
        table_name || coalesce('.' || column_name, '') || coalesce(
            case when kind = 'truncated' then ' (cut off)' end, ''
        ) as subject,
        record_count as study_count,
        'Landed records: ' || reason || '.' as detail
    from verdicts
    where kind in ('nulled', 'truncated', 'not_counted', 'later_left_out')

)

select * from final
