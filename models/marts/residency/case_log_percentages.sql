with

case_log as (

    select * from {{ ref('int_case_log_counted') }}

),

final as (

    select
        resident_name,
        {%- for category_id in category_columns(model.columns) %}
        max(case when category_id = '{{ category_id }}' then percent_of_minimum end)::numeric(18, 6) as {{ category_id }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from case_log
    group by resident_name

)

select * from final
