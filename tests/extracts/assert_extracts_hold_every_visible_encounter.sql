-- Every encounter and procedure that a visible payer paid is in the extracts, to the cent, by a
-- join of staging tables alone. Rows lost or doubled on the way break this.
with

payer_groups as (

    select * from {{ ref('stg_reference__payer_groups') }}

),

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

exported_encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

exported_procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

encounters as (

    select * from {{ ref('extract_encounters') }}

),

procedures as (

    select * from {{ ref('extract_procedures') }}

),

exported as (

    select
        'encounters' as relation_name,
        payers.payer_name,
        count(*) as row_count,
        sum(exported_encounters.claim_cost) as total_cost
    from exported_encounters
    inner join payers
        on exported_encounters.payer_id = payers.payer_id
    inner join payer_groups
        on payers.payer_name = payer_groups.payer_name
    where payer_groups.detail_is_visible
    group by payers.payer_name

    union all

    select
        'procedures' as relation_name,
        payers.payer_name,
        count(*) as row_count,
        sum(exported_procedures.procedure_cost) as total_cost
    from exported_procedures
    inner join exported_encounters
        on exported_procedures.encounter_id = exported_encounters.encounter_id
    inner join payers
        on exported_encounters.payer_id = payers.payer_id
    inner join payer_groups
        on payers.payer_name = payer_groups.payer_name
    where payer_groups.detail_is_visible
    group by payers.payer_name

),

shown as (

    select
        'encounters' as relation_name,
        payer_name,
        count(*) as row_count,
        sum(claim_cost) as total_cost
    from encounters
    group by payer_name

    union all

    select
        'procedures' as relation_name,
        payer_name,
        count(*) as row_count,
        sum(procedure_cost) as total_cost
    from procedures
    group by payer_name

),

final as (

    select
        coalesce(exported.relation_name, shown.relation_name) as relation_name,
        coalesce(exported.payer_name, shown.payer_name) as payer_name,
        exported.row_count as exported_rows,
        shown.row_count as shown_rows
    from exported
    full outer join shown
        on
            exported.relation_name = shown.relation_name
            and exported.payer_name = shown.payer_name
    where
        exported.row_count is distinct from shown.row_count
        or exported.total_cost is distinct from shown.total_cost

)

select * from final
