with

source as (

    select * from {{ ref('case_log_categories') }}

),

final as (

    select
        category_id,
        category_name,
        required_minimum,
        sort_order
    from source

)

select * from final
