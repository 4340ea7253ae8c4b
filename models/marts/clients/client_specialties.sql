with

encounter_specialties as (

    select * from {{ ref('int_encounter_specialties') }}

),

final as (

    select
        scope_id::text as scope_id,
        client_id::text as client_id,
        specialty_id::text as specialty_id,
        specialty_name::text as specialty_name,
        sum(procedure_count)::integer as procedure_count,
        count(distinct patient_id)::integer as patient_count
    from encounter_specialties
    where is_specialty
    group by scope_id, client_id, specialty_id, specialty_name

)

select * from final
