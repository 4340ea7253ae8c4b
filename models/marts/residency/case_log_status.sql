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
        {%- for category_id in category_columns(model.columns) %}
        max(case when category_id = '{{ category_id }}' then status end)::text as {{ category_id }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from worded
    group by resident_name

)

select * from final
