with

source as (

    select * from {{ ref('sparse_zip3') }}

),

final as (

    select nullif(trim(zip3), '') as zip3
    from source

)

select * from final
