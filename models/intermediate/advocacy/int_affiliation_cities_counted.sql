with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

client_patients as (

    select * from {{ ref('int_client_patients') }}

),

affiliated as (

    select patient_id
    from client_patients
    group by patient_id

),

final as (

    select
        coalesce(patients.county, 'Unknown') as county,
        coalesce(patients.city, 'Unknown') as city,
        count(*) - count(affiliated.patient_id) as unaffiliated_patient_count,
        count(*) filter (
            where affiliated.patient_id is null and patients.died_on is not null
        ) as deceased_unaffiliated_count,
        count(affiliated.patient_id) as client_patient_count
    from patients
    left join affiliated
        on patients.patient_id = affiliated.patient_id
    group by coalesce(patients.county, 'Unknown'), coalesce(patients.city, 'Unknown')

)

select * from final
