-- The group's figures are the sums of the residents' own, and its total is minimum × residents. A
-- resident or a category that falls out on the way breaks this.
with

progress as (

    select * from {{ ref('case_log_progress') }}

),

group_progress as (

    select * from {{ ref('case_log_group_progress') }}

),

residents as (

    select * from {{ ref('int_residents') }}

),

resident_count as (

    select count(*) as resident_count
    from residents

),

summed as (

    select
        category_id,
        sum(completed) as completed,
        sum(remaining) as remaining,
        max(required_minimum) as required_minimum
    from progress
    group by category_id

),

final as (

    select
        group_progress.category_id,
        group_progress.completed,
        summed.completed as completed_by_residents,
        group_progress.remaining,
        summed.remaining as remaining_by_residents,
        group_progress.required_total
    from group_progress
    cross join resident_count
    left join summed
        on group_progress.category_id = summed.category_id
    where
        group_progress.completed <> coalesce(summed.completed, 0)
        or group_progress.remaining <> coalesce(summed.remaining, 0)
        or group_progress.required_total
        <> coalesce(summed.required_minimum, 0) * resident_count.resident_count

)

select * from final
