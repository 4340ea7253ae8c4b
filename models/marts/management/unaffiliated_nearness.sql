-- So many of the shuffles lie below the interval, and as many above it, that in 200 it is the fifth
-- lowest to the fifth highest: the truth, were it one shuffle more, is outside in 5 % at most.
{% set rank = [((var('nearness_shuffles') + 1) * 0.025) | int, 1] | max %}
with

measured as (

    select * from {{ ref('int_shuffles_measured') }}

),

outside as (

    select * from {{ ref('int_near_homes_outside') }}

),

ranked as (

    select
        radius_km,
        near_count,
        cluster_count,
        row_number() over (partition by radius_km order by near_count) as near_rank,
        row_number() over (partition by radius_km order by cluster_count) as cluster_rank
    from measured
    where shuffle_number > 0

),

chance as (

    select
        radius_km,
        min(near_count) filter (where near_rank >= {{ rank }}) as near_low,
        max(near_count) filter (
            where near_rank <= {{ var('nearness_shuffles') + 1 - rank }}
        ) as near_high,
        min(cluster_count) filter (where cluster_rank >= {{ rank }}) as cluster_low,
        max(cluster_count) filter (
            where cluster_rank <= {{ var('nearness_shuffles') + 1 - rank }}
        ) as cluster_high
    from ranked
    group by radius_km

),

outside_counted as (

    select
        radius_km,
        count(*) as outside_count
    from outside
    group by radius_km

),

truths as (

    select
        measured.radius_km,
        measured.near_count,
        measured.unaffiliated_count,
        measured.cluster_count,
        chance.near_low,
        chance.near_high,
        chance.cluster_low,
        chance.cluster_high,
        coalesce(outside_counted.outside_count, 0) as outside_count
    from measured
    inner join chance
        on measured.radius_km = chance.radius_km
    left join outside_counted
        on measured.radius_km = outside_counted.radius_km
    where measured.shuffle_number = 0

),

final as (

    select
        radius_km::numeric(9, 3) as radius_km,
        (radius_km = {{ var('cluster_radius_km') }})::boolean as is_cluster_radius,
        case
            when not {{ is_small('near_count') }}
                then {{ rounded_share('near_count', 'unaffiliated_count') }}
        end::numeric(9, 6) as near_share,
        {{ rounded_share('near_low', 'unaffiliated_count') }}::numeric(9, 6) as chance_low,
        {{ rounded_share('near_high', 'unaffiliated_count') }}::numeric(9, 6) as chance_high,
        {{ rounded_count('outside_count', 'outside_count') }} as near_outside_clusters,
        cluster_count::integer as cluster_count,
        cluster_low::integer as chance_cluster_low,
        cluster_high::integer as chance_cluster_high
    from truths

)

select * from final
