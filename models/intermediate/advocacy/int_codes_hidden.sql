with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

hidden_specialties as (

    select
        scopes.scope_id,
        restrictions.specialty_id
    from scopes
    inner join restrictions
        on scopes.client_id = restrictions.client_id
    where restrictions.specialty_id <> scopes.visibility

),

final as (

    select
        hidden_specialties.scope_id,
        -- A specialty without rows in the seed is a procedure code.
        coalesce(specialties.procedure_code, hidden_specialties.specialty_id) as code
    from hidden_specialties
    left join specialties
        on hidden_specialties.specialty_id = specialties.specialty_id

)

select * from final
