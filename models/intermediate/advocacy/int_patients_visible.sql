with

encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

procedure_counts as (

    select
        encounter_id,
        count(*) as procedure_count
    from procedures
    group by encounter_id

),

final as (

    select
        encounters.patient_id,
        bool_or(encounters.client_id is not null) as is_client_patient,
        min(encounters.started_at) as first_started_at,
        max(encounters.started_at) as last_started_at,
        count(*) as encounter_count,
        coalesce(sum(procedure_counts.procedure_count), 0) as procedure_count
    from encounters
    left join procedure_counts
        on encounters.encounter_id = procedure_counts.encounter_id
    where encounters.detail_is_visible
    group by encounters.patient_id

)

select * from final
