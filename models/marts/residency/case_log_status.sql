with

case_log as (

    select * from {{ ref('int_case_log_counted') }}

),

worded as (

    select
        resident_name,
        category_id,
        case when is_met then 'Met' else remaining::text end as status
    from case_log

),

final as (

    select
        resident_name,
        {{ per_category(category_columns(model.columns), 'status', 'text') }}
    from worded
    group by resident_name

)

select * from final
