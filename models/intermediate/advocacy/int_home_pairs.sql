{% set radii = nearness_radii() %}
{% set row_reach = (radii[-1] / (0.7 * radii[0])) | round(0, 'ceil') | int %}
{{ config(
    indexes=[{'columns': ['home_a']}],
    post_hook='analyze {{ this }}'
) }}

with

homes as (

    select * from {{ ref('int_homes_shuffled') }}

),

cells as (

    select * from {{ ref('int_cells_shuffled') }}

),

-- Of a full cell sixteen homes look around: enough to find most cells that it hangs together with.
looking as (

    select
        homes.*,
        cells.is_full,
        row_number() over (partition by homes.cell_number order by homes.home_number) as home_rank
    from homes
    inner join cells
        on homes.cell_number = cells.cell_number

),

looking_around as (

    select *
    from looking
    where not is_full or home_rank <= 16

),

around as materialized (

    {{ cells_around(
        'looking_around',
        ['home_number', 'cell_number', 'latitude', 'longitude', 'is_full'],
        row_reach
    ) }}

),

final as (

    select
        around.home_number as home_a,
        neighbours.home_number as home_b,
        around.cell_number as cell_a,
        neighbours.cell_number as cell_b,
        {{ haversine_km(
            'around.latitude', 'around.longitude', 'neighbours.latitude', 'neighbours.longitude'
        ) }} as distance_km
    from around
    inner join looking as neighbours
        on
            around.cell_row = neighbours.cell_row
            and around.cell_column = neighbours.cell_column
    where
        (not around.is_full or neighbours.home_rank <= 16)
        and {{ haversine_km(
            'around.latitude', 'around.longitude', 'neighbours.latitude', 'neighbours.longitude'
        ) }} <= {{ radii[-1] }}

)

select * from final
