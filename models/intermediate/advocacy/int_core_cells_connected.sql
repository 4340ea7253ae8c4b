with

core_homes as (

    select * from {{ ref('int_homes_core') }}

),

groups as (

    select * from {{ ref('int_core_cells_adjoined') }}

),

cells as (

    select
        core_homes.cell_number,
        core_homes.cell_row,
        core_homes.cell_column,
        core_homes.column_reach,
        groups.group_number
    from core_homes
    inner join groups
        on core_homes.cell_number = groups.cell_number
    group by
        core_homes.cell_number,
        core_homes.cell_row,
        core_homes.cell_column,
        core_homes.column_reach,
        groups.group_number

),

around_cells as materialized (

    {{ cells_around('cells', ['cell_number', 'group_number']) }}

),

-- Only cells that adjoining ones have not brought together yet: in crowded areas these are few.
-- Whether homes of two of them are near is asked when this is done, not of every pair of a row.
apart as materialized (

    select
        around_cells.cell_number as node_a,
        neighbours.cell_number as node_b
    from around_cells
    inner join cells as neighbours
        on
            around_cells.cell_row = neighbours.cell_row
            and around_cells.cell_column = neighbours.cell_column
    where
        around_cells.cell_number < neighbours.cell_number
        and around_cells.group_number <> neighbours.group_number

),

{{ linked_cells('apart') }},

group_links as (

    select distinct
        cells.group_number as node_a,
        neighbours.group_number as node_b
    from links
    inner join cells
        on links.node_a = cells.cell_number
    inner join cells as neighbours
        on links.node_b = neighbours.cell_number

),

group_nodes as (

    select
        group_number as node,
        group_number as smallest
    from cells
    group by group_number

),

{{ connected_components('group_nodes', 'group_links') }},

final as (

    select
        cells.cell_number,
        components.smallest as component_number
    from cells
    inner join components
        on cells.group_number = components.node

)

select * from final
