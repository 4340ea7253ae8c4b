with

source as (

    select * from {{ raw_table('advocacy', 'payers') }}

),

final as (

    select
        -- ids
        nullif(trim(id), '') as payer_id,

        -- payer
        nullif(trim(name), '') as payer_name,
        nullif(trim(address), '') as address,
        nullif(trim(city), '') as city,
        nullif(trim(state_headquartered), '') as state_code,
        nullif(trim(zip), '') as zip_code,
        nullif(trim(phone), '') as phone
    from source

)

select * from final
