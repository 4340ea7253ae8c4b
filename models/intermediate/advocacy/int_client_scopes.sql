with

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

visibilities as (

    select
        client_id,
        'open' as visibility
    from clients

    union all

    select
        client_id,
        specialty_id as visibility
    from restrictions

),

final as (

    select
        left({{ sha256_hex("client_id || chr(31) || visibility") }}, 16) as scope_id,
        client_id,
        visibility
    from visibilities

)

select * from final
