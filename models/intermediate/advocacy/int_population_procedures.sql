with

populations as (

    select * from {{ ref('int_populations') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

final as (

    select
        populations.population,
        bool_and(populations.is_exact) as is_exact,
        encounters.patient_id,
        coalesce(patients.county, 'Unknown') as county,
        procedures.procedure_code
    from populations
    inner join encounters
        on populations.payer_id = encounters.payer_id
    inner join procedures
        on encounters.encounter_id = procedures.encounter_id
    inner join patients
        on encounters.patient_id = patients.patient_id
    group by
        populations.population,
        encounters.patient_id,
        coalesce(patients.county, 'Unknown'),
        procedures.procedure_code

)

select * from final
