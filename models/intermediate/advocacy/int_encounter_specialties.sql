with

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

procedures as (

    select * from {{ ref('int_procedures_scoped') }}

),

procedure_specialties as (

    select * from {{ ref('int_procedure_specialties') }}

),

counted as (

    select
        procedures.scope_id,
        procedures.encounter_id,
        procedure_specialties.specialty_id,
        procedure_specialties.specialty_name,
        true as is_specialty,
        count(*) as procedure_count
    from procedures
    inner join procedure_specialties
        on procedures.procedure_code = procedure_specialties.procedure_code
    group by
        procedures.scope_id,
        procedures.encounter_id,
        procedure_specialties.specialty_id,
        procedure_specialties.specialty_name

    union all

    select
        scope_id,
        encounter_id,
        'none' as specialty_id,
        'No procedure' as specialty_name,
        false as is_specialty,
        0 as procedure_count
    from encounters
    where procedure_count = 0

    union all

    select
        scope_id,
        encounter_id,
        'all' as specialty_id,
        'All specialties' as specialty_name,
        false as is_specialty,
        procedure_count
    from encounters

),

final as (

    select
        counted.scope_id,
        encounters.client_id,
        counted.encounter_id,
        encounters.patient_id,
        encounters.organization_name,
        encounters.service_on,
        encounters.service_month,
        counted.specialty_id,
        counted.specialty_name,
        counted.is_specialty,
        counted.procedure_count
    from counted
    inner join encounters
        on
            counted.scope_id = encounters.scope_id
            and counted.encounter_id = encounters.encounter_id

)

select * from final
