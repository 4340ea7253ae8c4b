with

scopes as (

    select * from {{ ref('int_client_scopes') }}

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

hidden_encounters as (

    select * from {{ ref('int_encounters_hidden') }}

),

-- The payer of the encounter decides, not the patient: patients change insurer.
own_book as (

    select
        scopes.scope_id,
        scopes.client_id,
        encounters.encounter_id,
        encounters.patient_id
    from scopes
    inner join clients
        on scopes.client_id = clients.client_id
    inner join payers
        on clients.payer_name = payers.payer_name
    inner join encounters
        on payers.payer_id = encounters.payer_id

),

final as (

    select
        own_book.scope_id,
        own_book.client_id,
        own_book.encounter_id,
        own_book.patient_id
    from own_book
    left join hidden_encounters
        on
            own_book.scope_id = hidden_encounters.scope_id
            and own_book.encounter_id = hidden_encounters.encounter_id
    where hidden_encounters.encounter_id is null

)

select * from final
