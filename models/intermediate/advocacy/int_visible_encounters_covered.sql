with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

final as (

    select
        '{{ var("advocacy_source") }}'::text as source,
        '{{ var("service_date_precision") }}'::text as date_precision,
        {{ service_date('min(paid_encounters.started_at)') }} as first_encounter_on,
        {{ service_date('max(paid_encounters.started_at)') }} as last_encounter_on,
        count(*)::integer as encounter_count
    from paid_encounters
    where paid_encounters.detail_is_visible

)

select * from final
