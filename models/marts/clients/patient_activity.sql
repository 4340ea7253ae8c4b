with

encounter_specialties as (

    select * from {{ ref('int_encounter_specialties') }}

),

totals as (

    select
        scope_id,
        client_id,
        patient_id,
        organization_name,
        service_on,
        specialty_id,
        specialty_name,
        count(*) as encounter_count,
        sum(procedure_count) as procedure_count
    from encounter_specialties
    group by
        scope_id,
        client_id,
        patient_id,
        organization_name,
        service_on,
        specialty_id,
        specialty_name

),

final as (

    select
        scope_id::text as scope_id,
        {{ pseudonym('activity', 'client_id', 'patient_id') }}::text as activity_key,
        client_id::text as client_id,
        organization_name::text as organization_name,
        specialty_id::text as specialty_id,
        specialty_name::text as specialty_name,
        service_on::date as service_month,
        encounter_count::integer as encounter_count,
        procedure_count::integer as procedure_count
    from totals

)

select * from final
