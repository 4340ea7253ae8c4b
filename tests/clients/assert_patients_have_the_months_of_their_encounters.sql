-- A patient's encounters, first and last month and number, are those of the encounter extract. When
-- this breaks, the two extracts tell different stories of the same person.
with

encounter_extract as (

    select * from {{ ref('encounter_extract') }}

),

patient_extract as (

    select * from {{ ref('patient_extract') }}

),

summed as (

    select
        scope_id,
        patient_key,
        min(service_month) as first_service_month,
        max(service_month) as last_service_month,
        count(*) as encounter_count
    from encounter_extract
    group by scope_id, patient_key

),

final as (

    select
        patient_extract.scope_id,
        patient_extract.patient_key
    from patient_extract
    left join summed
        on
            patient_extract.scope_id = summed.scope_id
            and patient_extract.patient_key = summed.patient_key
    where
        summed.patient_key is null
        or patient_extract.first_service_month <> summed.first_service_month
        or patient_extract.last_service_month <> summed.last_service_month
        or patient_extract.encounter_count <> summed.encounter_count

)

select * from final
