-- At most one site is marked as highest; it has enough studies and no other such site has a higher
-- share of required ones; and when any site has enough, one is marked. Otherwise the report would
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
        and required_studies + not_required_studies > 0

),

summary as (

    select
        count(*) as eligible_count,
        max(required_share) as highest_share
    from eligible

),

marked as (

    select
        count(*) as marked_count,
        min(required_share) as lowest_marked_share,
        min(required_studies + not_required_studies) as study_count
    from sites
    where is_highest

),

final as (

    select
        summary.eligible_count,
        summary.highest_share,
        marked.marked_count,
        marked.lowest_marked_share
    from summary
    cross join marked
    where
        marked.marked_count <> least(summary.eligible_count, 1)
        or marked.lowest_marked_share <> summary.highest_share
        or marked.study_count < {{ var('min_site_studies') }}

)

select * from final
