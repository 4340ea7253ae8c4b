{% set radii = nearness_radii() %}
{{ config(
    indexes=[{'columns': ['home_number']}],
    post_hook='analyze {{ this }}'
) }}

with

homes as (

    select * from {{ ref('int_homes_shuffled') }}

),

cells as (

    select * from {{ ref('int_cells_shuffled') }}

),

pairs as (

    select * from {{ ref('int_home_pairs') }}

),

in_cells as (

    select
        homes.home_number,
        homes.cell_number,
        homes.client_in,
        cells.is_full
    from homes
    inner join cells
        on homes.cell_number = cells.cell_number

),

around as (

    {{ counted_around('in_cells', 'pairs', 'homes') }}

),

judged as (

    {% for radius in radii %}
    select
        {{ radius }}::double precision as radius_km,
        home_number,
        cell_number,
        ~client_in as unaffiliated_in,
        ~client_in as near_in,
        ~client_in as core_in
    from in_cells
    where is_full

    union all

    select
        {{ radius }}::double precision as radius_km,
        home_number,
        cell_number,
        ~client_in as unaffiliated_in,
        ~client_in & clients_{{ loop.index }} as near_in,
        ~client_in
        & {{ shuffles_with('unaffiliated_' ~ loop.index, var('cluster_min_patients')) }} as core_in
    from around
    {{ 'union all' if not loop.last }}

    {% endfor %}
),

final as (

    select
        radius_km,
        home_number,
        cell_number,
        unaffiliated_in::bit varying as unaffiliated_in,
        near_in::bit varying as near_in,
        core_in::bit varying as core_in,
        get_bit(near_in, 0) = 1 as is_near,
        get_bit(core_in, 0) = 1 as is_core
    from judged

)

select * from final
