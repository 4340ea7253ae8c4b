{{ config(alias='patients') }}

with

visible_patients as (

    select * from {{ ref('int_patients_visible') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

sparse_zip3 as (

    select * from {{ ref('stg_reference__sparse_zip3') }}

),

final as (

    select
        {{ pseudonym('patient', "'staff'", 'patients.patient_id') }}::text as patient_key,
        ({{ age_band(
            'patients.born_on',
            time_in_zone('visible_patients.last_started_at', 'UTC') ~ '::date'
        ) }})::text as age_band,
        patients.gender::text as gender,
        ({{ zip3('patients.zip_code', 'sparse_zip3.zip3') }})::text as zip3,
        visible_patients.is_client_patient::boolean as is_client_patient,
        {{ service_date('visible_patients.first_started_at') }} as first_service_month,
        {{ service_date('visible_patients.last_started_at') }} as last_service_month,
        visible_patients.encounter_count::integer as encounter_count,
        visible_patients.procedure_count::integer as procedure_count
    from visible_patients
    inner join patients
        on visible_patients.patient_id = patients.patient_id
    left join sparse_zip3
        on left(patients.zip_code, 3) = sparse_zip3.zip3

)

select * from final
