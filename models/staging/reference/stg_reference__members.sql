with

source as (

    select * from {{ ref('members') }}

),

final as (

    select
        nullif(trim(login), '') as login,
        nullif(trim(audience), '') as audience,
        nullif(trim(client_id), '') as client_id,
        nullif(trim(specialty_id), '') as specialty_id,
        -- A resident's name is the key of the residency export and stays as it was written there.
        nullif(resident_name, '') as resident_name
    from source

)

select * from final
