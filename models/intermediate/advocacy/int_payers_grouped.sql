with

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

payer_groups as (

    select * from {{ ref('stg_reference__payer_groups') }}

),

final as (

    select
        payers.payer_id,
        payers.payer_name,
        coalesce(payer_groups.is_insured, true) as is_insured,
        -- What nobody has decided to show stays out of sight.
        coalesce(payer_groups.detail_is_visible, false) as detail_is_visible
    from payers
    left join payer_groups
        on payers.payer_name = payer_groups.payer_name

)

select * from final
