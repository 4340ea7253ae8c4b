-- Activity by patient, by month and in the extracts is the same activity: per hospital and
-- specialty as many encounters and procedures, and those without a procedure under `none`. When
-- this breaks, the function for any time frame and the chart by month answer one question in two
-- ways.
with

encounter_extract as (

    select * from {{ ref('encounter_extract') }}

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

encounter_specialties as (

    select
        scope_id,
        encounter_key,
        specialty_id,
        count(*) as procedure_count
    from procedure_extract
    group by scope_id, encounter_key, specialty_id

),

expected as (

    select
        encounter_specialties.scope_id,
        encounter_extract.organization_name,
        encounter_specialties.specialty_id,
        count(*) as encounter_count,
        sum(encounter_specialties.procedure_count) as procedure_count
    from encounter_specialties
    inner join encounter_extract
        on
            encounter_specialties.scope_id = encounter_extract.scope_id
            and encounter_specialties.encounter_key = encounter_extract.encounter_key
    group by
        encounter_specialties.scope_id,
        encounter_extract.organization_name,
        encounter_specialties.specialty_id

    union all

    select
        scope_id,
        organization_name,
        'none' as specialty_id,
        count(*) as encounter_count,
        0 as procedure_count
    from encounter_extract
    where procedure_count = 0
    group by scope_id, organization_name

    union all

    select
        scope_id,
        organization_name,
        'all' as specialty_id,
        count(*) as encounter_count,
        sum(procedure_count) as procedure_count
    from encounter_extract
    group by scope_id, organization_name

),

by_patient as (

    select
        scope_id,
        organization_name,
        specialty_id,
        sum(encounter_count) as encounter_count,
        sum(procedure_count) as procedure_count
    from patient_activity
    group by scope_id, organization_name, specialty_id

),

by_month as (

    select
        scope_id,
        organization_name,
        specialty_id,
        sum(encounter_count) as encounter_count,
        sum(procedure_count) as procedure_count
    from monthly_activity
    group by scope_id, organization_name, specialty_id

),

final as (

    select
        expected.scope_id,
        expected.specialty_id,
        expected.encounter_count as expected_encounters,
        by_patient.encounter_count as encounters_by_patient,
        by_month.encounter_count as encounters_by_month
    from expected
    full outer join by_patient
        on
            expected.scope_id = by_patient.scope_id
            and expected.organization_name = by_patient.organization_name
            and expected.specialty_id = by_patient.specialty_id
    full outer join by_month
        on
            expected.scope_id = by_month.scope_id
            and expected.organization_name = by_month.organization_name
            and expected.specialty_id = by_month.specialty_id
    where
        expected.scope_id is null
        or by_patient.scope_id is null
        or by_month.scope_id is null
        or expected.encounter_count <> by_patient.encounter_count
        or expected.encounter_count <> by_month.encounter_count
        or expected.procedure_count <> by_patient.procedure_count
        or expected.procedure_count <> by_month.procedure_count

)

select * from final
