-- Keys of the extracts, of activity and of other clients share no value, and none is an identifier
-- of the export. When this breaks, two clients can find each other's patients, or activity leads to
-- the rows of the person.
with

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

procedure_extract as (

    select * from {{ ref('procedure_extract') }}

),

encounter_extract as (

    select * from {{ ref('encounter_extract') }}

),

patient_extract as (

    select * from {{ ref('patient_extract') }}

),

patient_activity as (

    select * from {{ ref('patient_activity') }}

),

keys as (

    select
        'patient ' || client_id as purpose,
        patient_key as shown_key
    from patient_extract

    union distinct

    select
        'encounter ' || client_id as purpose,
        encounter_key as shown_key
    from encounter_extract

    union distinct

    select
        'procedure ' || client_id as purpose,
        procedure_key as shown_key
    from procedure_extract

    union distinct

    select
        'activity ' || client_id as purpose,
        activity_key as shown_key
    from patient_activity

    union distinct

    select
        'export' as purpose,
        patient_id as shown_key
    from patients

    union distinct

    select
        'export' as purpose,
        encounter_id as shown_key
    from encounters

    union distinct

    select
        'export' as purpose,
        left(procedure_id, 32) as shown_key
    from procedures

),

final as (

    select
        shown_key,
        count(*) as purpose_count
    from keys
    group by shown_key
    having count(*) > 1

)

select * from final
