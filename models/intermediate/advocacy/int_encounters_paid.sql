with

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

payers as (

    select * from {{ ref('int_payers_grouped') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

final as (

    select
        encounters.encounter_id,
        encounters.patient_id,
        payers.payer_name,
        clients.client_id,
        payers.is_insured,
        payers.detail_is_visible,
        encounters.started_at
    from encounters
    inner join payers
        on encounters.payer_id = payers.payer_id
    left join clients
        on payers.payer_name = clients.payer_name

)

select * from final
