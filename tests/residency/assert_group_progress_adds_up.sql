-- credited + remaining = required_total and credited + surplus = completed, in every category, and
-- no figure is below 0. If one resident's surplus covered another's gap, remaining would be too
-- small and the programme would believe itself further than its weakest resident is.
with

group_progress as (

    select * from {{ ref('case_log_group_progress') }}

),

final as (

    select
        category_id,
        required_total,
        completed,
        credited,
        surplus,
        remaining
    from group_progress
    where
        credited + remaining <> required_total
        or credited + surplus <> completed
        or least(completed, credited, surplus, remaining) < 0

)

select * from final
