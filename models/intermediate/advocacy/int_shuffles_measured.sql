with

judged as (

    select * from {{ ref('int_homes_near_by_chance') }}

),

clusters as (

    select * from {{ ref('int_clusters_by_chance') }}

),

near as (

    select
        radius_km,
        sum({{ one_in_each('unaffiliated_in') }}) as unaffiliated_in_each,
        sum({{ one_in_each('near_in') }}) as near_in_each
    from judged
    group by radius_km

),

clustered as (

    select
        radius_km,
        sum({{ one_in_each('in_shuffles') }}) as clusters_in_each
    from clusters
    group by radius_km

),

final as (

    select
        near.radius_km,
        shuffle_number,
        {{ counted_in('near.unaffiliated_in_each', 'shuffle_number') }} as unaffiliated_count,
        {{ counted_in('near.near_in_each', 'shuffle_number') }} as near_count,
        {{ counted_in('coalesce(clustered.clusters_in_each, 0)', 'shuffle_number') }}
            as cluster_count
    from near
    cross join generate_series(0, {{ var('nearness_shuffles') }}) as shuffle_number
    left join clustered
        on near.radius_km = clustered.radius_km

)

select * from final
