-- Other people's counts are 0, or hidden from 1 up to the smallest that may be shown, or rounded:
-- no other number is published. A client's own are exact. When this breaks, a count of a few people
-- who are not the reader's is in the open.
with

top_procedure_patients as (

    select * from {{ ref('top_procedure_patients') }}

),

top_procedure_overlap as (

    select * from {{ ref('top_procedure_overlap') }}

),

counts as (

    select
        scope_id,
        patient_group,
        patient_count,
        is_suppressed
    from top_procedure_patients

    union all

    select
        scope_id,
        patient_group,
        patient_count,
        is_suppressed
    from top_procedure_overlap

),

final as (

    select
        scope_id,
        patient_group,
        patient_count,
        is_suppressed
    from counts
    where
        is_suppressed <> (patient_count is null)
        or (patient_group = 'own' and is_suppressed)
        or (
            patient_group <> 'own'
            and patient_count <> 0
            and (
                patient_count % {{ var('count_rounding') }} <> 0
                or patient_count < {{ rounded_count(var('min_cell_size'), var('min_cell_size')) }}
            )
        )

)

select * from final
