with

members as (

    select * from {{ ref('int_homes_clustered') }}

),

clients as (

    select *
    from {{ ref('int_homes_located') }}
    where not is_unaffiliated

),

around_members as materialized (

    {{ cells_around('members', ['component_number', 'patient_id', 'latitude', 'longitude']) }}

),

members_near as (

    select
        around_members.component_number,
        around_members.patient_id,
        min({{ haversine_km(
            'around_members.latitude', 'around_members.longitude',
            'clients.latitude', 'clients.longitude'
        ) }}) as distance_km
    from around_members
    inner join clients
        on
            around_members.cell_row = clients.cell_row
            and around_members.cell_column = clients.cell_column
    group by around_members.component_number, around_members.patient_id

),

member_cells as (

    select distinct
        component_number,
        cell_row,
        cell_column
    from members

),

around_clients as materialized (

    {{ cells_around('clients', ['patient_id', 'latitude', 'longitude']) }}

),

cells_in_reach as materialized (

    select
        around_clients.*,
        member_cells.component_number
    from around_clients
    inner join member_cells
        on
            around_clients.cell_row = member_cells.cell_row
            and around_clients.cell_column = member_cells.cell_column

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
