with

source as (

    select * from {{ ref('specialties') }}

),

final as (

    select
        nullif(trim(procedure_code), '') as procedure_code,
        nullif(trim(specialty_id), '') as specialty_id,
        nullif(trim(specialty_name), '') as specialty_name
    from source

)

select * from final
