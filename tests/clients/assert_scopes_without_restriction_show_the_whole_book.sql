-- A scope that hides nothing, such as UnitedHealthcare's, holds every procedure that the client
-- paid for, to the cent. When this breaks, a join of the models lost or multiplied procedures, and
-- every figure of the client's report is wrong.
with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

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

summary as (

    select * from {{ ref('procedure_summary') }}

),

paid as (

    select
        clients.client_id,
        count(*) as procedure_count,
        sum(procedures.procedure_cost) as total_cost
    from clients
    inner join payers
        on clients.payer_name = payers.payer_name
    inner join encounters
        on payers.payer_id = encounters.payer_id
    inner join procedures
        on encounters.encounter_id = procedures.encounter_id
    group by clients.client_id

),

shown as (

    select
        scope_id,
        sum(procedure_count) as procedure_count,
        sum(total_cost) as total_cost
    from summary
    group by scope_id

),

final as (

    select
        scopes.scope_id,
        paid.procedure_count as paid_procedures,
        shown.procedure_count as shown_procedures,
        paid.total_cost as paid_cost,
        shown.total_cost as shown_cost
    from scopes
    inner join paid
        on scopes.client_id = paid.client_id
    left join hidden_codes
        on scopes.scope_id = hidden_codes.scope_id
    left join shown
        on scopes.scope_id = shown.scope_id
    where
        hidden_codes.scope_id is null
        and (
            shown.scope_id is null
            or paid.procedure_count <> shown.procedure_count
            or paid.total_cost <> shown.total_cost
        )

)

select * from final
