{{ config(alias='coverage') }}

with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

final as (

    select
        '{{ var("residency_source") }}'::text as source,
        min(finalized_at)::timestamptz as first_finalized_at,
        max(finalized_at)::timestamptz as last_finalized_at,
        count(*)::integer as study_count,
        count(distinct resident_name)::integer as resident_count,
        {{ time_in_zone('max(finalized_at)', 'UTC') }}::date as as_of
    from studies

)

select * from final
