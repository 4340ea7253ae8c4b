with

source as (

    select * from {{ ref('clients') }}

),

final as (

    select
        nullif(trim(client_id), '') as client_id,
        nullif(trim(client_name), '') as client_name,
        nullif(trim(payer_name), '') as payer_name,
        nullif(trim(report_page), '') as report_page
    from source

)

select * from final
