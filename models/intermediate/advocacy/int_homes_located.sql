{{ config(indexes=[{'columns': ['is_unaffiliated', 'cell_row', 'cell_column']}]) }}

with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

client_patients as (

    select encounters.patient_id
    from encounters
    inner join payers
        on encounters.payer_id = payers.payer_id
    inner join clients
        on payers.payer_name = clients.payer_name
    group by encounters.patient_id

),

located as (

    select
        patients.patient_id,
        patients.city,
        patients.latitude,
        patients.longitude,
        client_patients.patient_id is null as is_unaffiliated
    from patients
    left join client_patients
        on patients.patient_id = client_patients.patient_id
    where
        patients.latitude between -90 and 90
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
