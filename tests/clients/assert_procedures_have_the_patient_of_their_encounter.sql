-- A procedure names its patient and its encounter, and the encounter names a patient. Models take
-- the encounter's. When the two differ, procedures are counted for the wrong person.
with

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

final as (

    select
        procedures.encounter_id,
        procedures.procedure_code
    from procedures
    inner join encounters
        on procedures.encounter_id = encounters.encounter_id
    where procedures.patient_id <> encounters.patient_id

)

select * from final
