with

source as (

    select * from {{ raw_table('advocacy', 'encounters') }}

),

final as (

    select
        -- ids
        nullif(trim(id), '') as encounter_id,
        nullif(trim(patient), '') as patient_id,
        nullif(trim(organization), '') as organization_id,
        nullif(trim(payer), '') as payer_id,

        -- what it was
        nullif(trim(encounterclass), '') as encounter_class,
        nullif(trim(code), '') as encounter_code,
        nullif(trim(description), '') as encounter_name,
        nullif(trim(reasoncode), '') as reason_code,
        nullif(trim(reasondescription), '') as reason_name,

        -- money
        base_encounter_cost::numeric(18, 2) as encounter_cost,
        total_claim_cost::numeric(18, 2) as claim_cost,
        payer_coverage::numeric(18, 2) as payer_coverage_cost,

        -- times
        start::timestamptz as started_at,
        stop::timestamptz as stopped_at
    from source

)

select * from final
