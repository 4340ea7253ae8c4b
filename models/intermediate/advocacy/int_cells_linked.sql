{{ config(post_hook='analyze {{ this }}') }}

with

groups as (

    select * from {{ ref('int_cells_grouped') }}

),

judged as (

    select * from {{ ref('int_homes_near_by_chance') }}

),

pairs as (

    select * from {{ ref('int_home_pairs') }}

),

full_pairs as (

    select * from {{ ref('int_full_cell_pairs') }}

),

cores as materialized (

    select
        judged.radius_km,
        judged.home_number,
        judged.core_in,
        groups.group_number
    from judged
    inner join groups
        on
            judged.radius_km = groups.radius_km
            and judged.cell_number = groups.cell_number
    where judged.core_in <> {{ no_shuffle() }}

),

other_pairs as (

    select
        radius_km,
        home_a,
        home_b
    from pairs
    cross join unnest(array{{ nearness_radii() }}::double precision[]) as radius_km
    where
        cell_a <> cell_b
        and distance_km <= radius_km

),

within_reach as (

    select * from full_pairs

    union all

    select * from other_pairs

),

linked as (

    select
        cores_a.group_number as node_a,
        cores_b.group_number as node_b,
        bit_or(cores_a.core_in & cores_b.core_in) as in_shuffles
    from within_reach
    inner join cores as cores_a
        on
            within_reach.radius_km = cores_a.radius_km
            and within_reach.home_a = cores_a.home_number
    inner join cores as cores_b
        on
            within_reach.radius_km = cores_b.radius_km
            and within_reach.home_b = cores_b.home_number
    where cores_a.group_number <> cores_b.group_number
    group by cores_a.group_number, cores_b.group_number

),

both_ways as (

    select
        node_a,
        node_b,
        in_shuffles
    from linked

    union all

    select
        node_b as node_a,
        node_a as node_b,
        in_shuffles
    from linked

),

final as (

    select
        node_a,
        node_b,
        bit_or(in_shuffles)::bit varying as in_shuffles
    from both_ways
    group by node_a, node_b

)

select * from final
