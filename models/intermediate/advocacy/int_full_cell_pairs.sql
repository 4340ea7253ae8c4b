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

-- Cells that have not been brought together yet: few, so that all of their homes can be compared.
apart as materialized (

    select
        around_full_cells.radius_km,
        around_full_cells.cell_number as cell_a,
        neighbours.cell_number as cell_b
    from around_full_cells
    inner join full_cells as neighbours
        on
            around_full_cells.cell_row = neighbours.cell_row
            and around_full_cells.cell_column = neighbours.cell_column
            and around_full_cells.radius_km = neighbours.radius_km
    where
        around_full_cells.group_number <> neighbours.group_number
        and around_full_cells.cell_number < neighbours.cell_number

),

final as (

    select
        apart.radius_km,
        homes_a.home_number as home_a,
        homes_b.home_number as home_b
    from apart
    inner join homes as homes_a
        on apart.cell_a = homes_a.cell_number
    inner join homes as homes_b
        on apart.cell_b = homes_b.cell_number
    where
        {{ haversine_km(
            'homes_a.latitude', 'homes_a.longitude', 'homes_b.latitude', 'homes_b.longitude'
        ) }} <= apart.radius_km

)

select * from final
