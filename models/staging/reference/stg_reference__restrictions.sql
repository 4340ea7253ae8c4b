with

source as (

    select * from {{ ref('restrictions') }}

),

final as (

    select
        nullif(trim(client_id), '') as client_id,
        nullif(trim(specialty_id), '') as specialty_id
    from source

)

select * from final
