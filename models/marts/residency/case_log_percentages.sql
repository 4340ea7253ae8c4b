with

case_log as (

    select * from {{ ref('int_case_log_counted') }}

),

final as (

    select
        resident_name,
        {{ per_category(category_columns(model.columns), 'percent_of_minimum', 'numeric(18, 6)') }}
    from case_log
    group by resident_name

)

select * from final
