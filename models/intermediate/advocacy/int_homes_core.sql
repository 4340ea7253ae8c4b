{{ config(indexes=[{'columns': ['cell_row', 'cell_column']}, {'columns': ['cell_number']}]) }}

with

homes as (

    select * from {{ ref('int_homes_located') }}

),

unaffiliated as (

    select *
    from homes
    where is_unaffiliated

),

cells as (

    select
        cell_row,
        cell_column,
        count(*) as home_count
    from unaffiliated
    group by cell_row, cell_column

),

-- All homes of a cell are within reach of each other, so a full cell needs no look around.
in_full_cells as (

    select unaffiliated.patient_id
    from unaffiliated
    inner join cells
        on
            unaffiliated.cell_row = cells.cell_row
            and unaffiliated.cell_column = cells.cell_column
    where cells.home_count >= {{ var('cluster_min_patients') }}

),

looking_around as (

    select unaffiliated.*
    from unaffiliated
    inner join cells
        on
            unaffiliated.cell_row = cells.cell_row
            and unaffiliated.cell_column = cells.cell_column
    where cells.home_count < {{ var('cluster_min_patients') }}

),

with_neighbours as (

    select looking_around.patient_id
    from looking_around
    cross join generate_series(-2, 2) as row_offset
    cross join
        generate_series(-looking_around.column_reach, looking_around.column_reach) as column_offset
    inner join unaffiliated as neighbours
        on
            looking_around.cell_row + row_offset = neighbours.cell_row
            and looking_around.cell_column + column_offset = neighbours.cell_column
    where
        {{ haversine_km(
            'looking_around.latitude', 'looking_around.longitude',
            'neighbours.latitude', 'neighbours.longitude'
        ) }} <= {{ var('cluster_radius_km') }}
    group by looking_around.patient_id
    having count(*) >= {{ var('cluster_min_patients') }}

),

core_patients as (

    select patient_id
    from in_full_cells

    union all

    select patient_id
    from with_neighbours

),

final as (

    select
        unaffiliated.patient_id,
        unaffiliated.latitude,
        unaffiliated.longitude,
        unaffiliated.cell_row,
        unaffiliated.cell_column,
        unaffiliated.column_reach,
        dense_rank() over (
            order by unaffiliated.cell_row, unaffiliated.cell_column
        )::integer as cell_number
    from unaffiliated
    inner join core_patients
        on unaffiliated.patient_id = core_patients.patient_id

)

select * from final
