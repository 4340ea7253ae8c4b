-- Core homes within cluster_radius_km of each other are in one cluster. When this breaks, the
-- rounds of connected_components() were too few for the shape of the clusters, or the grid lost a
-- neighbour, and one group of patients is shown as two.
with

core_homes as (

    select * from {{ ref('int_homes_core') }}

),

components as (

    select * from {{ ref('int_core_cells_connected') }}

),

cores as (

    select
        core_homes.patient_id,
        core_homes.latitude,
        core_homes.longitude,
        core_homes.cell_row,
        core_homes.cell_column,
        core_homes.column_reach,
        components.component_number
    from core_homes
    inner join components
        on core_homes.cell_number = components.cell_number

),

final as (

    select
        cores.component_number,
        neighbours.component_number as other_component_number
    from cores
    cross join generate_series(-2, 2) as row_offset
    cross join generate_series(-cores.column_reach, cores.column_reach) as column_offset
    inner join cores as neighbours
        on
            cores.cell_row + row_offset = neighbours.cell_row
            and cores.cell_column + column_offset = neighbours.cell_column
    where
        cores.component_number < neighbours.component_number
        and {{ haversine_km(
            'cores.latitude', 'cores.longitude', 'neighbours.latitude', 'neighbours.longitude'
        ) }} <= {{ var('cluster_radius_km') }}
    group by cores.component_number, neighbours.component_number

)

select * from final
