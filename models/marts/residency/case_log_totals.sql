with

case_log as (

    select * from {{ ref('int_case_log_counted') }}

),

final as (

    select
        resident_name,
        {{ per_category(category_columns(model.columns), 'completed', 'integer') }}
    from case_log
    group by resident_name

)

select * from final
