with

homes as (

    select * from {{ ref('int_homes_located') }}

),

core_homes as (

    select * from {{ ref('int_homes_core') }}

),

components as (

    select * from {{ ref('int_core_cells_connected') }}

),

core_members as (

    select
        core_homes.patient_id,
        components.component_number
    from core_homes
    inner join components
        on core_homes.cell_number = components.cell_number

),

border_distances as (

    select
        homes.patient_id,
        core_members.component_number,
        core_homes.patient_id as core_patient_id,
        {{ haversine_km(
            'homes.latitude', 'homes.longitude', 'core_homes.latitude', 'core_homes.longitude'
        ) }} as distance_km
    from homes
    cross join generate_series(-2, 2) as row_offset
    cross join generate_series(-homes.column_reach, homes.column_reach) as column_offset
    inner join core_homes
        on
            homes.cell_row + row_offset = core_homes.cell_row
            and homes.cell_column + column_offset = core_homes.cell_column
    inner join core_members
        on core_homes.patient_id = core_members.patient_id
    left join core_members as already_core
        on homes.patient_id = already_core.patient_id
    where
        homes.is_unaffiliated
        and already_core.patient_id is null

),

border_ranked as (

    select
        patient_id,
        component_number,
        row_number() over (
            partition by patient_id
            order by distance_km, {{ code_order('core_patient_id') }}
        ) as distance_rank
    from border_distances
    where distance_km <= {{ var('cluster_radius_km') }}

),

members as (

    select
        patient_id,
        component_number,
        true as is_core
    from core_members

    union all

    select
        patient_id,
        component_number,
        false as is_core
    from border_ranked
    where distance_rank = 1

),

final as (

    select
        members.patient_id,
        members.component_number,
        members.is_core,
        homes.city,
        homes.latitude,
        homes.longitude,
        homes.cell_row,
        homes.cell_column,
        homes.column_reach
    from members
    inner join homes
        on members.patient_id = homes.patient_id

)

select * from final
