with

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

patients as (

    select * from {{ ref('int_patients_generalised') }}

),

last_encounters as (

    select
        scope_id,
        client_id,
        patient_id,
        max(started_on) as last_started_on
    from encounters
    group by scope_id, client_id, patient_id

),

final as (

    select
        last_encounters.scope_id,
        last_encounters.client_id,
        last_encounters.patient_id,
        {{ age_band('patients.born_on', 'last_encounters.last_started_on') }} as age_band,
        patients.gender,
        patients.zip3
    from last_encounters
    inner join patients
        on last_encounters.patient_id = patients.patient_id

)

select * from final
