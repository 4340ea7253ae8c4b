{% set radii = nearness_radii() %}
{{ config(
    indexes=[{'columns': ['home_number']}, {'columns': ['cell_row', 'cell_column']}],
    post_hook='analyze {{ this }}'
) }}

with

homes as (

    select * from {{ ref('int_homes_located') }}

),

hashed as (

    select * from {{ ref('int_homes_hashed') }}

),

-- Eight hex digits of a digest order the homes of one shuffle; the first ones, as many as there are
-- of clients in truth, are of clients in it.
chosen as (

    {{ clients_of_each_shuffle('homes', 'hashed') }}

),

labels as (

    select
        home_number,
        bit_or(set_bit({{ no_shuffle() }}, shuffle_number, 1)) as client_in
    from chosen
    group by home_number

),

spans as (

    select
        max(cos(radians(latitude))) as widest_cosine,
        greatest(min(cos(radians(latitude))), 0.01) as narrowest_cosine
    from homes

),

labelled as (

    select
        homes.home_number,
        homes.patient_id,
        homes.latitude,
        homes.longitude,
        {{ grid_cell('homes.latitude', radius_km=radii[0]) }} as cell_row,
        {{ grid_cell('homes.longitude', 'spans.widest_cosine', radii[0]) }} as cell_column,
        -- How many columns away a home within the greatest radius may be.
        ceil(
            {{ radii[-1] }} * spans.widest_cosine / (0.7 * {{ radii[0] }} * spans.narrowest_cosine)
        )::integer as column_reach,
        set_bit(
            coalesce(labels.client_in, {{ no_shuffle() }}),
            0,
            case when homes.is_unaffiliated then 0 else 1 end
        ) as client_in
    from homes
    cross join spans
    left join labels
        on homes.home_number = labels.home_number

),

final as (

    select
        home_number,
        patient_id,
        latitude,
        longitude,
        cell_row,
        cell_column,
        column_reach,
        dense_rank() over (order by cell_row, cell_column)::integer as cell_number,
        client_in::bit varying as client_in,
        {{ one_in_each('~ client_in') }} as unaffiliated_in_each
    from labelled

)

select * from final
