with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

visible_patients as (

    select * from {{ ref('int_patients_visible') }}

),

described as (

    select
        patients.zip_code,
        visible_patients.patient_id is not null as detail_is_visible,
        {{ matches_pattern('patients.zip_code', '^[0-9]{5}(-[0-9]{4})?$') }} as is_usable
    from patients
    left join visible_patients
        on patients.patient_id = visible_patients.patient_id

),

flagged as (

    select
        'missing_zip' as kind,
        detail_is_visible
    from described
    where zip_code is null

    union all

    select
        'unusable_zip' as kind,
        detail_is_visible
    from described
    where not is_usable

),

final as (

    select
        kind,
        'Patients' as subject,
        detail_is_visible,
        count(*) as row_count
    from flagged
    group by
        kind,
        detail_is_visible

)

select * from final
