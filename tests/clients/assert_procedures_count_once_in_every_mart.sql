-- One procedure counts once wherever it is counted: by code in the summary, by encounter, by
-- patient, by specialty. When this breaks, a reader who adds up an extract gets another figure than
-- the report.
with

procedure_summary as (

    select * from {{ ref('procedure_summary') }}

),

procedure_extract as (

    select * from {{ ref('procedure_extract') }}

),

encounter_extract as (

    select * from {{ ref('encounter_extract') }}

),

patient_extract as (

    select * from {{ ref('patient_extract') }}

),

client_specialties as (

    select * from {{ ref('client_specialties') }}

),

summed as (

    select
        'code' as what,
        scope_id,
        procedure_code as shown_key,
        count(*) as procedure_count,
        count(distinct patient_key) as patient_count,
        sum(procedure_cost) as procedure_cost
    from procedure_extract
    group by scope_id, procedure_code

    union all

    select
        'specialty' as what,
        scope_id,
        specialty_id as shown_key,
        count(*) as procedure_count,
        count(distinct patient_key) as patient_count,
        null as procedure_cost
    from procedure_extract
    group by scope_id, specialty_id

    union all

    select
        'encounter' as what,
        scope_id,
        encounter_key as shown_key,
        count(*) as procedure_count,
        count(distinct patient_key) as patient_count,
        sum(procedure_cost) as procedure_cost
    from procedure_extract
    group by scope_id, encounter_key

    union all

    select
        'patient' as what,
        scope_id,
        patient_key as shown_key,
        count(*) as procedure_count,
        1 as patient_count,
        sum(procedure_cost) as procedure_cost
    from procedure_extract
    group by scope_id, patient_key

),

shown as (

    select
        'code' as what,
        scope_id,
        procedure_code as shown_key,
        procedure_count,
        patient_count,
        total_cost as procedure_cost
    from procedure_summary

    union all

    select
        'specialty' as what,
        scope_id,
        specialty_id as shown_key,
        procedure_count,
        patient_count,
        null as procedure_cost
    from client_specialties

    union all

    select
        'encounter' as what,
        scope_id,
        encounter_key as shown_key,
        procedure_count,
        1 as patient_count,
        procedure_cost
    from encounter_extract
    where procedure_count > 0

    union all

    select
        'patient' as what,
        scope_id,
        patient_key as shown_key,
        procedure_count,
        1 as patient_count,
        procedure_cost
    from patient_extract
    where procedure_count > 0

),

final as (

    select
        coalesce(shown.what, summed.what) as what,
        coalesce(shown.scope_id, summed.scope_id) as scope_id,
        shown.procedure_count as shown_procedures,
        summed.procedure_count as summed_procedures
    from shown
    full outer join summed
        on
            shown.what = summed.what
            and shown.scope_id = summed.scope_id
            and shown.shown_key = summed.shown_key
    where
        shown.what is null
        or summed.what is null
        or shown.procedure_count <> summed.procedure_count
        or shown.patient_count <> summed.patient_count
        or shown.procedure_cost <> summed.procedure_cost

)

select * from final
