with

members as (

    select * from {{ ref('int_homes_clustered') }}

),

homes as (

    select * from {{ ref('int_homes_located') }}

),

members_near as (

    select
        members.component_number,
        members.patient_id,
        min({{ haversine_km(
            'members.latitude', 'members.longitude', 'clients.latitude', 'clients.longitude'
        ) }}) as distance_km
    from members
    cross join generate_series(-2, 2) as row_offset
    cross join generate_series(-members.column_reach, members.column_reach) as column_offset
    inner join homes as clients
        on
            members.cell_row + row_offset = clients.cell_row
            and members.cell_column + column_offset = clients.cell_column
    where not clients.is_unaffiliated
    group by members.component_number, members.patient_id

),

member_cells as (

    select
        component_number,
        cell_row,
        cell_column,
        count(*) as member_count
    from members
    group by component_number, cell_row, cell_column

),

cells_in_reach as (

    select
        clients.patient_id,
        clients.latitude,
        clients.longitude,
        member_cells.component_number,
        member_cells.cell_row,
        member_cells.cell_column
    from homes as clients
    cross join generate_series(-2, 2) as row_offset
    cross join generate_series(-clients.column_reach, clients.column_reach) as column_offset
    inner join member_cells
        on
            clients.cell_row + row_offset = member_cells.cell_row
            and clients.cell_column + column_offset = member_cells.cell_column
    where not clients.is_unaffiliated

),

-- One home of a cell is enough to find, so the search in a cell ends with the first one.
clients_near as (

    select
        cells_in_reach.component_number,
        count(distinct cells_in_reach.patient_id) as client_count
    from cells_in_reach
    where
        exists (
            select members.patient_id
            from members
            where
                members.component_number = cells_in_reach.component_number
                and members.cell_row = cells_in_reach.cell_row
                and members.cell_column = cells_in_reach.cell_column
                and {{ haversine_km(
                    'cells_in_reach.latitude', 'cells_in_reach.longitude',
                    'members.latitude', 'members.longitude'
                ) }} <= {{ var('cluster_radius_km') }}
        )
    group by cells_in_reach.component_number

),

nearest_members as (

    select
        component_number,
        count(*) as near_member_count,
        min(distance_km) as nearest_km
    from members_near
    where distance_km <= {{ var('cluster_radius_km') }}
    group by component_number

),

final as (

    select
        nearest_members.component_number,
        nearest_members.near_member_count,
        nearest_members.nearest_km,
        clients_near.client_count
    from nearest_members
    inner join clients_near
        on nearest_members.component_number = clients_near.component_number

)

select * from final
