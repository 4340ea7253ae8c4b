with

source as (

    select * from {{ raw_table('residency', 'organizations') }}

),

final as (

    select
        nullif(trim(id), '') as organization_id,
        nullif(trim(organization_code), '') as organization_code
    from source

)

select * from final
