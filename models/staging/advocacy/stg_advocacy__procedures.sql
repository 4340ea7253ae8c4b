with

source as (

    select * from {{ raw_table('advocacy', 'procedures') }}

),

final as (

    select
        -- ids
        nullif(trim(encounter), '') as encounter_id,
        nullif(trim(patient), '') as patient_id,

        -- what it was
        nullif(trim(code), '') as procedure_code,
        nullif(trim(description), '') as procedure_description,
        nullif(trim(reasoncode), '') as reason_code,
        nullif(trim(reasondescription), '') as reason_name,

        -- money
        base_cost::numeric(18, 2) as procedure_cost,

        -- times
        start::timestamptz as started_at,
        stop::timestamptz as stopped_at
    from source

)

select * from final
