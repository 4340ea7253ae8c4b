-- At most one site is marked as highest; it has enough studies and no other such site
-- has a higher ratio; and when any site has enough, one is marked. Otherwise the report would
-- praise a site for a handful of studies, or none.
with

sites as (

    select * from {{ ref('site_requirement_ratio') }}

),

eligible as (

    select *
    from sites
    where
        required_studies + not_required_studies >= {{ var('min_site_studies') }}
        and ratio is not null

),

summary as (

    select
        count(*) as eligible_count,
        max(ratio) as highest_ratio
    from eligible

),

marked as (

    select
        count(*) as marked_count,
        min(ratio) as lowest_marked_ratio,
        min(required_studies + not_required_studies) as study_count
    from sites
    where is_highest

),

final as (

    select
        summary.eligible_count,
        summary.highest_ratio,
        marked.marked_count,
        marked.lowest_marked_ratio
    from summary
    cross join marked
    where
        marked.marked_count <> least(summary.eligible_count, 1)
        or marked.lowest_marked_ratio <> summary.highest_ratio
        or marked.study_count < {{ var('min_site_studies') }}

)

select * from final
