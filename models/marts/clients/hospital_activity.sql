with

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

organizations as (

    select * from {{ ref('int_organizations_named') }}

),

totals as (

    select
        scope_id,
        client_id,
        organization_name,
        service_month,
        count(distinct patient_id) as patient_count,
        count(*) as encounter_count,
        sum(procedure_count) as procedure_count,
        sum(procedure_cost) as procedure_cost,
        -- A claim covers the whole encounter, hidden procedures included.
        sum(case when not has_hidden_procedures then claim_cost end) as claim_cost,
        sum(case when not has_hidden_procedures then payer_coverage_cost end) as payer_coverage
    from encounters
    group by scope_id, client_id, organization_name, service_month

),

final as (

    select
        totals.scope_id::text as scope_id,
        totals.client_id::text as client_id,
        totals.organization_name::text as organization_name,
        organizations.address::text as address,
        organizations.city::text as city,
        organizations.state_code::text as state,
        organizations.zip_code::text as zip,
        totals.service_month::date as service_month,
        totals.patient_count::integer as patient_count,
        totals.encounter_count::integer as encounter_count,
        totals.procedure_count::integer as procedure_count,
        totals.procedure_cost::numeric(18, 2) as procedure_cost,
        coalesce(totals.claim_cost, 0)::numeric(18, 2) as claim_cost,
        coalesce(totals.payer_coverage, 0)::numeric(18, 2) as payer_coverage
    from totals
    inner join organizations
        on totals.organization_name = organizations.organization_name

)

select * from final
