{{ config(indexes=[{'columns': ['is_unaffiliated', 'cell_row', 'cell_column']}]) }}

with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

client_patients as (

    select * from {{ ref('int_client_patients') }}

),

affiliated as (

    select patient_id
    from client_patients
    group by patient_id

),

located as (

    select
        patients.patient_id,
        patients.city,
        patients.latitude,
        patients.longitude,
        affiliated.patient_id is null as is_unaffiliated,
        row_number() over (order by {{ code_order('patients.patient_id') }}) as home_number
    from patients
    left join affiliated
        on patients.patient_id = affiliated.patient_id
    where
        patients.died_on is null
        and patients.latitude between -90 and 90
        and patients.longitude between -180 and 180

),

spans as (

    select
        max(cos(radians(latitude))) as widest_cosine,
        greatest(min(cos(radians(latitude))), 0.01) as narrowest_cosine
    from located

),

final as (

    select
        located.patient_id,
        located.home_number::integer as home_number,
        located.city,
        located.latitude,
        located.longitude,
        located.is_unaffiliated,
        {{ grid_cell('located.latitude') }} as cell_row,
        {{ grid_cell('located.longitude', 'spans.widest_cosine') }} as cell_column,
        -- How many columns away a home within reach may be: columns are narrower near the poles.
        ceil(spans.widest_cosine / (0.7 * spans.narrowest_cosine))::integer as column_reach
    from located
    cross join spans

)

select * from final
