with

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

row_keys as (

    select
        {{ surrogate_key([
            'encounter_id',
            'patient_id',
            'procedure_code',
            'procedure_description',
            'reason_code',
            'reason_name',
            'procedure_cost',
            utc_text('started_at'),
            utc_text('stopped_at'),
        ]) }} as row_key,
        encounter_id,
        patient_id,
        procedure_code,
        procedure_cost,
        started_at
    from procedures

),

occurrences as (

    select
        row_key,
        encounter_id,
        patient_id,
        procedure_code,
        procedure_cost,
        started_at,
        row_number() over (partition by row_key order by row_key) as occurrence_number
    from row_keys

),

final as (

    select
        {{ surrogate_key(['row_key', 'occurrence_number']) }} as procedure_id,
        encounter_id,
        patient_id,
        procedure_code,
        procedure_cost,
        started_at,
        occurrence_number
    from occurrences

)

select * from final
