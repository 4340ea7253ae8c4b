{{ config(post_hook='analyze {{ this }}') }}

with

cells as (

    select * from {{ ref('int_cells_shuffled') }}

),

homes as (

    select * from {{ ref('int_homes_near_by_chance') }}

),

pairs as (

    select * from {{ ref('int_home_pairs') }}

),

-- Numbers have nothing to do with places, as components_at_once() asks for.
nodes as (

    select
        radius_km,
        cell_number,
        is_full,
        (
            row_number() over (
                order by {{ code_order(sha256_hex('cell_number::text')) }}, radius_km
            )
        )::integer as node
    from cells
    cross join unnest(array{{ nearness_radii() }}::double precision[]) as radius_km

),

full_nodes as (

    select
        radius_km,
        cell_number,
        node,
        node as smallest
    from nodes
    where is_full

),

-- Cells with core homes within reach of each other in every shuffle are always in one cluster.
links as (

    select
        nodes_a.node as node_a,
        nodes_b.node as node_b
    from full_nodes as nodes_a
    inner join pairs
        on nodes_a.cell_number = pairs.cell_a
    inner join full_nodes as nodes_b
        on
            pairs.cell_b = nodes_b.cell_number
            and nodes_a.radius_km = nodes_b.radius_km
    inner join homes as homes_a
        on
            pairs.home_a = homes_a.home_number
            and nodes_a.radius_km = homes_a.radius_km
    inner join homes as homes_b
        on
            pairs.home_b = homes_b.home_number
            and nodes_a.radius_km = homes_b.radius_km
    where
        pairs.cell_a <> pairs.cell_b
        and pairs.distance_km <= nodes_a.radius_km
    group by nodes_a.node, nodes_b.node
    having bit_or(homes_a.core_in & homes_b.core_in) = {{ every_shuffle() }}

),

{{ connected_components('full_nodes', 'links') }},

final as (

    select
        nodes.radius_km,
        nodes.cell_number,
        nodes.is_full,
        coalesce(components.smallest, nodes.node) as group_number
    from nodes
    left join components
        on nodes.node = components.node

)

select * from final
