{{ config(alias='procedures') }}

with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

final as (

    select
        {{ pseudonym('procedure', "'staff'", 'procedures.procedure_id') }}::text as procedure_key,
        {{ pseudonym('encounter', "'staff'", 'procedures.encounter_id') }}::text as encounter_key,
        {{ pseudonym('patient', "'staff'", 'paid_encounters.patient_id') }}::text as patient_key,
        paid_encounters.payer_name::text as payer_name,
        procedures.procedure_code::text as procedure_code,
        procedure_names.procedure_name::text as procedure_name,
        {{ service_date('paid_encounters.started_at') }} as service_month,
        procedures.procedure_cost::numeric(18, 2) as procedure_cost
    from procedures
    inner join paid_encounters
        on procedures.encounter_id = paid_encounters.encounter_id
    inner join procedure_names
        on procedures.procedure_code = procedure_names.procedure_code
    where paid_encounters.detail_is_visible

)

select * from final
