with

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

payers as (

    select * from {{ ref('int_payers_grouped') }}

),

of_clients as (

    select
        clients.client_id as population,
        payers.payer_id,
        payers.detail_is_visible as is_exact
    from clients
    inner join payers
        on clients.payer_name = payers.payer_name

),

of_visible_payers as (

    select
        'visible_payers' as population,
        payer_id,
        true as is_exact
    from payers
    where detail_is_visible

),

of_nobody as (

    select
        'uninsured' as population,
        payer_id,
        detail_is_visible as is_exact
    from payers
    where not is_insured

),

final as (

    select * from of_clients

    union all

    select * from of_visible_payers

    union all

    select * from of_nobody

)

select * from final
