{{ config(alias='encounters') }}

with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

organizations as (

    select * from {{ ref('int_organizations_named') }}

),

final as (

    select
        {{ pseudonym('encounter', "'staff'", 'encounters.encounter_id') }}::text as encounter_key,
        {{ pseudonym('patient', "'staff'", 'encounters.patient_id') }}::text as patient_key,
        paid_encounters.payer_name::text as payer_name,
        organizations.organization_name::text as organization_name,
        encounters.encounter_class::text as encounter_class,
        encounters.encounter_code::text as encounter_code,
        encounters.encounter_name::text as encounter_name,
        {{ service_date('encounters.started_at') }} as service_month,
        encounters.claim_cost::numeric(18, 2) as claim_cost,
        encounters.payer_coverage_cost::numeric(18, 2) as payer_coverage
    from paid_encounters
    inner join encounters
        on paid_encounters.encounter_id = encounters.encounter_id
    inner join organizations
        on encounters.organization_id = organizations.organization_id
    where paid_encounters.detail_is_visible

)

select * from final
