with

visible_encounters as (

    select * from {{ ref('int_encounters_visible') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

organizations as (

    select * from {{ ref('int_organizations_named') }}

),

all_procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

visible_procedures as (

    select * from {{ ref('int_procedures_scoped') }}

),

recorded as (

    select
        encounter_id,
        count(*) as procedure_count
    from all_procedures
    group by encounter_id

),

visible as (

    select
        scope_id,
        encounter_id,
        count(*) as procedure_count,
        sum(procedure_cost) as procedure_cost
    from visible_procedures
    group by scope_id, encounter_id

),

final as (

    select
        visible_encounters.scope_id,
        visible_encounters.client_id,
        visible_encounters.encounter_id,
        visible_encounters.patient_id,
        organizations.organization_name,
        encounters.encounter_class,
        encounters.encounter_name,
        {{ time_in_zone('encounters.started_at', 'UTC') }}::date as started_on,
        {{ service_date('encounters.started_at') }} as service_on,
        {{ service_month('encounters.started_at') }} as service_month,
        coalesce(visible.procedure_count, 0) as procedure_count,
        coalesce(visible.procedure_cost, 0)::numeric(18, 2) as procedure_cost,
        encounters.claim_cost,
        encounters.payer_coverage_cost,
        coalesce(recorded.procedure_count, 0) > coalesce(visible.procedure_count, 0)
            as has_hidden_procedures
    from visible_encounters
    inner join encounters
        on visible_encounters.encounter_id = encounters.encounter_id
    inner join organizations
        on encounters.organization_id = organizations.organization_id
    left join recorded
        on visible_encounters.encounter_id = recorded.encounter_id
    left join visible
        on
            visible_encounters.scope_id = visible.scope_id
            and visible_encounters.encounter_id = visible.encounter_id

)

select * from final
