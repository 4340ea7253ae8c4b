with

source as (

    select * from {{ ref('specialty_words') }}

),

final as (

    select
        nullif(trim(specialty_id), '') as specialty_id,
        nullif(lower(trim(word)), '') as word
    from source

)

select * from final
