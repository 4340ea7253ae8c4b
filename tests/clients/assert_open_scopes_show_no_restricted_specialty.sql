-- In a visibility, specialties that the client restricts to another one do not exist, in no mart.
-- When this breaks, a reader without the specialty sees what the client shows to that specialty
-- alone.
with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

procedure_specialties as (

    select * from {{ ref('int_procedure_specialties') }}

),

procedure_summary as (

    select * from {{ ref('procedure_summary') }}

),

procedure_extract as (

    select * from {{ ref('procedure_extract') }}

),

patient_activity as (

    select * from {{ ref('patient_activity') }}

),

monthly_activity as (

    select * from {{ ref('monthly_activity') }}

),

client_specialties as (

    select * from {{ ref('client_specialties') }}

),

top_procedure_patients as (

    select * from {{ ref('top_procedure_patients') }}

),

shown as (

    select
        scope_id,
        specialty_id,
        'procedure_summary' as mart
    from procedure_summary

    union all

    select
        procedure_summary.scope_id,
        procedure_specialties.specialty_id,
        'procedure_summary' as mart
    from procedure_summary
    inner join procedure_specialties
        on procedure_summary.procedure_code = procedure_specialties.procedure_code

    union all

    select
        scope_id,
        specialty_id,
        'procedure_extract' as mart
    from procedure_extract

    union all

    select
        procedure_extract.scope_id,
        procedure_specialties.specialty_id,
        'procedure_extract' as mart
    from procedure_extract
    inner join procedure_specialties
        on procedure_extract.procedure_code = procedure_specialties.procedure_code

    union all

    select
        scope_id,
        specialty_id,
        'patient_activity' as mart
    from patient_activity

    union all

    select
        scope_id,
        specialty_id,
        'monthly_activity' as mart
    from monthly_activity

    union all

    select
        scope_id,
        specialty_id,
        'specialties' as mart
    from client_specialties

    union all

    select
        top_procedure_patients.scope_id,
        procedure_specialties.specialty_id,
        'top_procedure_patients' as mart
    from top_procedure_patients
    inner join procedure_specialties
        on top_procedure_patients.procedure_code = procedure_specialties.procedure_code

),

final as (

    select
        shown.mart,
        shown.scope_id,
        shown.specialty_id
    from shown
    inner join scopes
        on shown.scope_id = scopes.scope_id
    inner join restrictions
        on
            scopes.client_id = restrictions.client_id
            and shown.specialty_id = restrictions.specialty_id
    where scopes.visibility <> restrictions.specialty_id
    group by shown.mart, shown.scope_id, shown.specialty_id

)

select * from final
