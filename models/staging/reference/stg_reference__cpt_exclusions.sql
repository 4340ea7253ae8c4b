with

source as (

    select * from {{ ref('cpt_exclusions') }}

),

final as (

    select
        cpt as cpt_code,
        beside_cpt as beside_cpt_code,
        note
    from source

)

select * from final
