-- In the open visibility restricted procedures do not exist. When this breaks, a reader without the
-- specialty sees what the client shows to that specialty alone.
with

summary as (

    select * from {{ ref('procedure_summary') }}

),

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

final as (

    select
        summary.scope_id,
        summary.procedure_code
    from summary
    inner join scopes
        on summary.scope_id = scopes.scope_id
    inner join restrictions
        on
            scopes.client_id = restrictions.client_id
            and summary.specialty_id = restrictions.specialty_id
    where scopes.visibility <> restrictions.specialty_id

)

select * from final
