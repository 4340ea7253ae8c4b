{{ config(alias='coverage') }}

with

covered as (

    select * from {{ ref('int_visible_encounters_covered') }}

),

final as (

    select
        source::text as source,
        date_precision::text as date_precision,
        first_encounter_on::date as first_encounter_on,
        last_encounter_on::date as last_encounter_on,
        encounter_count::integer as encounter_count,
        last_encounter_on::date as as_of
    from covered

)

select * from final
