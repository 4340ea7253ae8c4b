with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

sparse_prefixes as (

    select * from {{ ref('stg_reference__sparse_zip3') }}

),

final as (

    select
        patients.patient_id,
        patients.born_on,
        patients.gender,
        {{ zip3('patients.zip_code', 'sparse_prefixes.zip3') }} as zip3
    from patients
    left join sparse_prefixes
        on left(patients.zip_code, 3) = sparse_prefixes.zip3

)

select * from final
