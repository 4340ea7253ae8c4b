with

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

described as (

    select
        paid_encounters.payer_name,
        paid_encounters.detail_is_visible,
        procedures.occurrence_number,
        {{ service_month('procedures.started_at') }} as procedure_month,
        {{ service_month('paid_encounters.started_at') }} as encounter_month
    from procedures
    inner join paid_encounters
        on procedures.encounter_id = paid_encounters.encounter_id

),

flagged as (

    select
        'procedure_in_other_month' as kind,
        payer_name,
        detail_is_visible
    from described
    where procedure_month <> encounter_month

    union all

    select
        'equal_rows' as kind,
        payer_name,
        detail_is_visible
    from described
    where occurrence_number > 1

),

final as (

    select
        kind,
        payer_name as subject,
        detail_is_visible,
        count(*) as row_count
    from flagged
    group by
        kind,
        payer_name,
        detail_is_visible

)

select * from final
