-- What the extract says of a patient follows from the rows of the same patient in the extracts of
-- encounters and procedures. When this breaks, a patient's row tells of encounters that the reader
-- must not know of, or counts wrongly.
with

patients as (

    select * from {{ ref('extract_patients') }}

),

encounters as (

    select * from {{ ref('extract_encounters') }}

),

procedures as (

    select * from {{ ref('extract_procedures') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

encounter_totals as (

    select
        encounters.patient_key,
        count(*) as encounter_count,
        min(encounters.service_month) as first_service_month,
        max(encounters.service_month) as last_service_month,
        bool_or(clients.client_id is not null) as is_client_patient
    from encounters
    left join clients
        on encounters.payer_name = clients.payer_name
    group by encounters.patient_key

),

procedure_totals as (

    select
        patient_key,
        count(*) as procedure_count
    from procedures
    group by patient_key

),

final as (

    select coalesce(patients.patient_key, encounter_totals.patient_key) as patient_key
    from patients
    full outer join encounter_totals
        on patients.patient_key = encounter_totals.patient_key
    left join procedure_totals
        on patients.patient_key = procedure_totals.patient_key
    where
        patients.encounter_count is distinct from encounter_totals.encounter_count
        or patients.first_service_month is distinct from encounter_totals.first_service_month
        or patients.last_service_month is distinct from encounter_totals.last_service_month
        or patients.is_client_patient is distinct from encounter_totals.is_client_patient
        or patients.procedure_count
        is distinct from coalesce(procedure_totals.procedure_count, 0)

)

select * from final
