with

procedures as (

    select * from {{ ref('int_procedures_scoped') }}

),

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

patients as (

    select * from {{ ref('int_patients_scoped') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

procedure_specialties as (

    select * from {{ ref('int_procedure_specialties') }}

),

final as (

    select
        procedures.scope_id::text as scope_id,
        {{ pseudonym('procedure', 'procedures.client_id', 'procedures.procedure_id') }}::text
            as procedure_key,
        procedures.client_id::text as client_id,
        {{ pseudonym('patient', 'procedures.client_id', 'procedures.patient_id') }}::text
            as patient_key,
        {{ pseudonym('encounter', 'procedures.client_id', 'procedures.encounter_id') }}::text
            as encounter_key,
        procedures.procedure_code::text as procedure_code,
        procedure_names.procedure_name::text as procedure_name,
        procedure_specialties.specialty_id::text as specialty_id,
        encounters.service_on::date as service_month,
        patients.age_band::text as age_band,
        patients.gender::text as gender,
        patients.zip3::text as zip3,
        procedures.procedure_cost::numeric(18, 2) as procedure_cost
    from procedures
    inner join encounters
        on
            procedures.scope_id = encounters.scope_id
            and procedures.encounter_id = encounters.encounter_id
    inner join patients
        on
            procedures.scope_id = patients.scope_id
            and procedures.patient_id = patients.patient_id
    inner join procedure_names
        on procedures.procedure_code = procedure_names.procedure_code
    inner join procedure_specialties
        on procedures.procedure_code = procedure_specialties.procedure_code

)

select * from final
