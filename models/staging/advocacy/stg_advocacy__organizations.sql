with

source as (

    select * from {{ raw_table('advocacy', 'organizations') }}

),

final as (

    select
        -- ids
        nullif(trim(id), '') as organization_id,

        -- hospital
        nullif(trim(name), '') as organization_name,
        nullif(trim(address), '') as address,
        nullif(trim(city), '') as city,
        nullif(trim(state), '') as state_code,
        nullif(trim(zip), '') as zip_code,
        lat::double precision as latitude,
        lon::double precision as longitude
    from source

)

select * from final
