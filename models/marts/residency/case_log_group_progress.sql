with

categories as (

    select * from {{ ref('stg_reference__case_log_categories') }}

),

case_log as (

    select * from {{ ref('int_case_log_counted') }}

),

-- Credit and gap are taken resident by resident before they are summed: one resident's surplus
-- never covers another's gap.
final as (

    select
        categories.category_id,
        categories.category_name,
        coalesce(sum(case_log.completed), 0)::integer as completed,
        coalesce(sum(case_log.credited), 0)::integer as credited,
        coalesce(sum(case_log.surplus), 0)::integer as surplus,
        coalesce(sum(case_log.remaining), 0)::integer as remaining,
        coalesce(sum(case_log.required_minimum), 0)::integer as required_total
    from categories
    left join case_log
        on categories.category_id = case_log.category_id
    group by
        categories.category_id,
        categories.category_name

)

select * from final
