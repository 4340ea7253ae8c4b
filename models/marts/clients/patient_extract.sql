with

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

patients as (

    select * from {{ ref('int_patients_scoped') }}

),

totals as (

    select
        scope_id,
        client_id,
        patient_id,
        min(service_on) as first_service_on,
        max(service_on) as last_service_on,
        count(*) as encounter_count,
        sum(procedure_count) as procedure_count,
        sum(procedure_cost) as procedure_cost
    from encounters
    group by scope_id, client_id, patient_id

),

final as (

    select
        totals.scope_id::text as scope_id,
        {{ pseudonym('patient', 'totals.client_id', 'totals.patient_id') }}::text as patient_key,
        totals.client_id::text as client_id,
        patients.age_band::text as age_band,
        patients.gender::text as gender,
        patients.zip3::text as zip3,
        totals.first_service_on::date as first_service_month,
        totals.last_service_on::date as last_service_month,
        totals.encounter_count::integer as encounter_count,
        totals.procedure_count::integer as procedure_count,
        totals.procedure_cost::numeric(18, 2) as procedure_cost
    from totals
    inner join patients
        on
            totals.scope_id = patients.scope_id
            and totals.patient_id = patients.patient_id

)

select * from final
