-- What a client paid for is shown in the open visibility, or its code is restricted, or it happened
-- in an encounter whose own code is restricted: nothing else is left out, and nothing twice. When
-- this breaks, the open visibility hides too much or too little.
with

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

summary as (

    select * from {{ ref('procedure_summary') }}

),

restricted_codes as (

    select
        restrictions.client_id,
        coalesce(specialties.procedure_code, restrictions.specialty_id) as code
    from restrictions
    left join specialties
        on restrictions.specialty_id = specialties.specialty_id

),

expected as (

    select
        clients.client_id,
        sum(procedures.procedure_cost) as total_cost,
        count(*) as procedure_count
    from clients
    inner join payers
        on clients.payer_name = payers.payer_name
    inner join encounters
        on payers.payer_id = encounters.payer_id
    inner join procedures
        on encounters.encounter_id = procedures.encounter_id
    where
        not exists (
            select restricted_codes.code
            from restricted_codes
            where
                restricted_codes.client_id = clients.client_id
                and restricted_codes.code in (procedures.procedure_code, encounters.encounter_code)
        )
    group by clients.client_id

),

shown as (

    select
        summary.client_id,
        sum(summary.total_cost) as total_cost,
        sum(summary.procedure_count) as procedure_count
    from summary
    inner join scopes
        on summary.scope_id = scopes.scope_id
    where scopes.visibility = 'open'
    group by summary.client_id

),

final as (

    select
        coalesce(expected.client_id, shown.client_id) as client_id,
        expected.procedure_count as expected_procedures,
        shown.procedure_count as shown_procedures
    from expected
    full outer join shown
        on expected.client_id = shown.client_id
    where
        expected.client_id is null
        or shown.client_id is null
        or expected.procedure_count <> shown.procedure_count
        or expected.total_cost <> shown.total_cost

)

select * from final
