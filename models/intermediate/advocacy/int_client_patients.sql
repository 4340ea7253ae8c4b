with

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

final as (

    select
        clients.client_id,
        encounters.patient_id,
        count(*) as encounter_count
    from encounters
    inner join payers
        on encounters.payer_id = payers.payer_id
    inner join clients
        on payers.payer_name = clients.payer_name
    group by clients.client_id, encounters.patient_id

)

select * from final
