with

case_log as (

    select * from {{ ref('int_case_log_counted') }}

),

final as (

    select
        resident_name,
        category_id,
        category_name,
        completed,
        required_minimum,
        percent_of_minimum,
        remaining,
        is_met
    from case_log

)

select * from final
