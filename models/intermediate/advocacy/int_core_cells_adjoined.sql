with

core_homes as (

    select * from {{ ref('int_homes_core') }}

),

cells as (

    select
        cell_number as node,
        cell_number as smallest,
        cell_row,
        cell_column
    from core_homes
    group by cell_number, cell_row, cell_column

),

adjoining as (

    select
        cells.node as node_a,
        neighbours.node as node_b
    from cells
    cross join generate_series(-1, 1) as row_offset
    cross join generate_series(-1, 1) as column_offset
    inner join cells as neighbours
        on
            cells.cell_row + row_offset = neighbours.cell_row
            and cells.cell_column + column_offset = neighbours.cell_column
    where cells.node < neighbours.node

),

{{ linked_cells('adjoining') }},

{{ connected_components('cells', 'links') }},

final as (

    select
        node as cell_number,
        smallest as group_number
    from components

)

select * from final
