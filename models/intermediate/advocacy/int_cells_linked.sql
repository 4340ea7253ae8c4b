{{ config(post_hook='analyze {{ this }}') }}

{% set radii = nearness_radii() %}
{% set row_reach = (radii[-1] / (0.7 * radii[0])) | round(0, 'ceil') | int %}
with

cells as (

    select * from {{ ref('int_cells_shuffled') }}

),

groups as (

    select * from {{ ref('int_cells_grouped') }}

),

homes as (

    select * from {{ ref('int_homes_shuffled') }}

),

judged as (

    select * from {{ ref('int_homes_near_by_chance') }}

),

pairs as (

    select * from {{ ref('int_home_pairs') }}

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

full_cells as (

    select
        groups.radius_km,
        groups.group_number,
        cells.cell_number,
        cells.cell_row,
        cells.cell_column,
        cells.column_reach
    from groups
    inner join cells
        on groups.cell_number = cells.cell_number
    where groups.is_full

),

around_full_cells as materialized (

    {{ cells_around('full_cells', ['radius_km', 'group_number', 'cell_number'], row_reach) }}

),

-- Full cells that have not been brought together yet: few, and all of their homes are compared.
full_pairs as (

    select
        around_full_cells.radius_km,
        homes_a.home_number as home_a,
        homes_b.home_number as home_b
    from around_full_cells
    inner join full_cells as neighbours
        on
            around_full_cells.cell_row = neighbours.cell_row
            and around_full_cells.cell_column = neighbours.cell_column
            and around_full_cells.radius_km = neighbours.radius_km
    inner join homes as homes_a
        on around_full_cells.cell_number = homes_a.cell_number
    inner join homes as homes_b
        on neighbours.cell_number = homes_b.cell_number
    where
        around_full_cells.group_number <> neighbours.group_number
        and {{ haversine_km(
            'homes_a.latitude', 'homes_a.longitude', 'homes_b.latitude', 'homes_b.longitude'
        ) }} <= around_full_cells.radius_km

),

other_pairs as (

    select
        radius_km,
        pairs.home_a,
        pairs.home_b
    from pairs
    cross join unnest(array{{ radii }}::double precision[]) as radius_km
    where
        pairs.cell_a <> pairs.cell_b
        and pairs.distance_km <= radius_km

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
