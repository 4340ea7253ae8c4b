with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

),

hidden_encounters as (

    select * from {{ ref('int_encounters_hidden') }}

),

visible_encounters as (

    select * from {{ ref('int_encounters_visible') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

payers as (

    select * from {{ ref('int_payers_grouped') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

performed as (

    select
        encounters.encounter_id,
        encounters.patient_id,
        procedures.procedure_code,
        payers.is_insured
    from procedures
    inner join encounters
        on procedures.encounter_id = encounters.encounter_id
    inner join payers
        on encounters.payer_id = payers.payer_id

),

existing as (

    select
        scopes.scope_id,
        scopes.client_id,
        performed.procedure_code,
        performed.patient_id,
        performed.is_insured,
        visible_encounters.encounter_id is not null as is_own
    from scopes
    cross join performed
    left join hidden_encounters
        on
            scopes.scope_id = hidden_encounters.scope_id
            and performed.encounter_id = hidden_encounters.encounter_id
    left join hidden_codes
        on
            scopes.scope_id = hidden_codes.scope_id
            and performed.procedure_code = hidden_codes.code
    left join visible_encounters
        on
            scopes.scope_id = visible_encounters.scope_id
            and performed.encounter_id = visible_encounters.encounter_id
    where
        hidden_encounters.encounter_id is null
        and hidden_codes.code is null

),

final as (

    select
        scope_id,
        client_id,
        procedure_code,
        patient_id,
        bool_or(is_own) as is_own,
        bool_or(is_insured) as is_insured
    from existing
    group by scope_id, client_id, procedure_code, patient_id

)

select * from final
