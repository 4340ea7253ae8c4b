with

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

procedure_costs as (

    select
        encounter_id,
        sum(procedure_cost) as procedure_cost
    from procedures
    group by encounter_id

),

described as (

    select
        paid_encounters.payer_name,
        paid_encounters.detail_is_visible,
        {{ time_in_zone('encounters.started_at', 'UTC') }}::date as started_on,
        patients.born_on,
        patients.died_on,
        encounters.claim_cost,
        encounters.payer_coverage_cost,
        procedure_costs.procedure_cost
    from encounters
    inner join paid_encounters
        on encounters.encounter_id = paid_encounters.encounter_id
    inner join patients
        on encounters.patient_id = patients.patient_id
    left join procedure_costs
        on encounters.encounter_id = procedure_costs.encounter_id

),

flagged as (

    select
        'encounter_after_death' as kind,
        payer_name,
        detail_is_visible
    from described
    where started_on > died_on

    union all

    select
        'encounter_before_birth' as kind,
        payer_name,
        detail_is_visible
    from described
    where started_on < born_on

    union all

    select
        'cost_above_claim' as kind,
        payer_name,
        detail_is_visible
    from described
    where procedure_cost > claim_cost

    union all

    select
        'coverage_above_claim' as kind,
        payer_name,
        detail_is_visible
    from described
    where payer_coverage_cost > claim_cost

    union all

    select
        'claim_of_zero' as kind,
        payer_name,
        detail_is_visible
    from described
    where claim_cost = 0

),

final as (

    select
        kind,
        payer_name as subject,
        detail_is_visible,
        count(*) as row_count
    from flagged
    group by
        kind,
        payer_name,
        detail_is_visible

)

select * from final
