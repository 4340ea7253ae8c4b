with

encounter_specialties as (

    select * from {{ ref('int_encounter_specialties') }}

),

final as (

    select
        scope_id::text as scope_id,
        client_id::text as client_id,
        service_month::date as service_month,
        organization_name::text as organization_name,
        specialty_id::text as specialty_id,
        specialty_name::text as specialty_name,
        count(distinct patient_id)::integer as patient_count,
        count(*)::integer as encounter_count,
        sum(procedure_count)::integer as procedure_count
    from encounter_specialties
    group by
        scope_id,
        client_id,
        service_month,
        organization_name,
        specialty_id,
        specialty_name

)

select * from final
