with

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

payers as (

    select * from {{ ref('int_payers_grouped') }}

),

visible_patients as (

    select encounters.patient_id
    from encounters
    inner join payers
        on encounters.payer_id = payers.payer_id
    inner join procedures
        on encounters.encounter_id = procedures.encounter_id
    where payers.detail_is_visible
    group by encounters.patient_id

),

final as (

    select
        coalesce(patients.county, 'Unknown') as county,
        count(*) as visible_count
    from visible_patients
    inner join patients
        on visible_patients.patient_id = patients.patient_id
    group by coalesce(patients.county, 'Unknown')

)

select * from final
