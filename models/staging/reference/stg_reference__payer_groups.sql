with

source as (

    select * from {{ ref('payer_groups') }}

),

final as (

    select
        nullif(trim(payer_name), '') as payer_name,
        is_insured,
        detail_is_visible
    from source

)

select * from final
