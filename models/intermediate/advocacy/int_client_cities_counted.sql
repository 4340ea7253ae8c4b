with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

client_patients as (

    select * from {{ ref('int_client_patients') }}

),

final as (

    select
        client_patients.client_id,
        coalesce(patients.county, 'Unknown') as county,
        coalesce(patients.city, 'Unknown') as city,
        count(*) as patient_count,
        sum(client_patients.encounter_count) as encounter_count
    from client_patients
    inner join patients
        on client_patients.patient_id = patients.patient_id
    group by
        client_patients.client_id,
        coalesce(patients.county, 'Unknown'),
        coalesce(patients.city, 'Unknown')

)

select * from final
