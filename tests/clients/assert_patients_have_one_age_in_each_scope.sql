-- All rows of a patient in a scope's extracts say the same of the person. Two age bands of one
-- patient, with the months in which they change, tell the month of birth.
with

patients as (

    select * from {{ ref('patient_extract') }}

),

procedures as (

    select * from {{ ref('procedure_extract') }}

),

final as (

    select
        procedures.scope_id,
        procedures.patient_key,
        procedures.procedure_key
    from procedures
    inner join patients
        on
            procedures.scope_id = patients.scope_id
            and procedures.patient_key = patients.patient_key
    where
        procedures.age_band is distinct from patients.age_band
        or procedures.gender is distinct from patients.gender
        or procedures.zip3 is distinct from patients.zip3

)

select * from final
