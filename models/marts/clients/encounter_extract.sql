with

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

final as (

    select
        scope_id::text as scope_id,
        {{ pseudonym('encounter', 'client_id', 'encounter_id') }}::text as encounter_key,
        client_id::text as client_id,
        {{ pseudonym('patient', 'client_id', 'patient_id') }}::text as patient_key,
        organization_name::text as organization_name,
        encounter_class::text as encounter_class,
        encounter_name::text as encounter_name,
        service_on::date as service_month,
        procedure_count::integer as procedure_count,
        procedure_cost::numeric(18, 2) as procedure_cost
    from encounters

)

select * from final
