with

members as (

    select * from {{ ref('int_homes_clustered') }}

),

homes as (

    select * from {{ ref('int_homes_located') }}

),

near_clients as (

    select * from {{ ref('int_clusters_near_clients') }}

),

far_members as (

    select members.*
    from members
    left join near_clients
        on members.component_number = near_clients.component_number
    where near_clients.component_number is null

),

member_cells as (

    select
        component_number,
        cell_row,
        cell_column,
        avg(latitude) as latitude,
        avg(longitude) as longitude
    from far_members
    group by component_number, cell_row, cell_column

),

client_cells as (

    select
        cell_row,
        cell_column,
        avg(latitude) as latitude,
        avg(longitude) as longitude
    from homes
    where not is_unaffiliated
    group by cell_row, cell_column

),

-- Cells are compared first: homes are less than the radius away from the middle of their cell's.
cell_distances as (

    select
        member_cells.component_number,
        member_cells.cell_row as member_row,
        member_cells.cell_column as member_column,
        client_cells.cell_row as client_row,
        client_cells.cell_column as client_column,
        {{ haversine_km(
            'member_cells.latitude', 'member_cells.longitude',
            'client_cells.latitude', 'client_cells.longitude'
        ) }} as distance_km
    from member_cells
    cross join client_cells

),

shortest as (

    select
        component_number,
        min(distance_km) as distance_km
    from cell_distances
    group by component_number

),

close_cells as (

    select cell_distances.*
    from cell_distances
    inner join shortest
        on cell_distances.component_number = shortest.component_number
    where
        cell_distances.distance_km
        <= shortest.distance_km + 4 * {{ var('cluster_radius_km') }}

),

final as (

    select
        close_cells.component_number,
        min({{ haversine_km(
            'far_members.latitude', 'far_members.longitude', 'homes.latitude', 'homes.longitude'
        ) }}) as nearest_km
    from close_cells
    inner join far_members
        on
            close_cells.component_number = far_members.component_number
            and close_cells.member_row = far_members.cell_row
            and close_cells.member_column = far_members.cell_column
    inner join homes
        on
            close_cells.client_row = homes.cell_row
            and close_cells.client_column = homes.cell_column
    where not homes.is_unaffiliated
    group by close_cells.component_number

)

select * from final
