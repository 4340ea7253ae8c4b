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

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

),

-- The payer of the encounter decides, not the patient: patients change insurer.
own_book as (

    select
        scopes.scope_id,
        scopes.client_id,
        encounters.encounter_id,
        encounters.patient_id,
        encounters.encounter_code
    from scopes
    inner join clients
        on scopes.client_id = clients.client_id
    inner join payers
        on clients.payer_name = payers.payer_name
    inner join encounters
        on payers.payer_id = encounters.payer_id

),

procedure_counts as (

    select
        own_book.scope_id,
        own_book.encounter_id,
        count(*) as procedure_count,
        count(hidden_codes.code) as hidden_count
    from own_book
    inner join procedures
        on own_book.encounter_id = procedures.encounter_id
    left join hidden_codes
        on
            own_book.scope_id = hidden_codes.scope_id
            and procedures.procedure_code = hidden_codes.code
    group by own_book.scope_id, own_book.encounter_id

),

final as (

    select
        own_book.scope_id,
        own_book.client_id,
        own_book.encounter_id,
        own_book.patient_id
    from own_book
    left join hidden_codes
        on
            own_book.scope_id = hidden_codes.scope_id
            and own_book.encounter_code = hidden_codes.code
    left join procedure_counts
        on
            own_book.scope_id = procedure_counts.scope_id
            and own_book.encounter_id = procedure_counts.encounter_id
    where
        hidden_codes.code is null
        and (
            procedure_counts.encounter_id is null
            or procedure_counts.hidden_count < procedure_counts.procedure_count
        )

)

select * from final
