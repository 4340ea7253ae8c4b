with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

performed as (

    select
        paid_encounters.payer_name,
        paid_encounters.patient_id,
        procedures.procedure_code,
        procedures.procedure_cost,
        {{ service_month('paid_encounters.started_at') }} as service_month
    from paid_encounters
    inner join procedures
        on paid_encounters.encounter_id = procedures.encounter_id
    where not paid_encounters.detail_is_visible

),

periods as (

    {{ in_each_period('performed') }}

),

-- A row without a code stands for all procedures.
final as (

    select
        payer_name,
        period_kind,
        period_start,
        procedure_code,
        patient_id,
        count(*) as procedure_count,
        coalesce(sum(procedure_cost), 0)::numeric(18, 2) as total_cost
    from periods
    group by grouping sets (
        (payer_name, period_kind, period_start, patient_id),
        (payer_name, period_kind, period_start, patient_id, procedure_code)
    )

)

select * from final
