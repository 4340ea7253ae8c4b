-- Every scope has a row for each number of shared procedures and both groups, and nobody can share
-- more procedures without sharing fewer. When this breaks, counts of other people contradict each
-- other, or a missing row tells that nobody is there.
with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

top_procedure_overlap as (

    select * from {{ ref('top_procedure_overlap') }}

),

row_counts as (

    select
        scopes.scope_id,
        count(top_procedure_overlap.shared_procedures) as row_count
    from scopes
    left join top_procedure_overlap
        on scopes.scope_id = top_procedure_overlap.scope_id
    group by scopes.scope_id

),

growing as (

    select
        fewer.scope_id,
        more.shared_procedures
    from top_procedure_overlap as fewer
    inner join top_procedure_overlap as more
        on
            fewer.scope_id = more.scope_id
            and fewer.patient_group = more.patient_group
            and more.shared_procedures = fewer.shared_procedures + 1
    where
        fewer.patient_count < more.patient_count
        or (fewer.patient_count = 0 and more.is_suppressed)
        or (fewer.is_suppressed and more.patient_count > 0)

),

final as (

    select
        scope_id,
        null as shared_procedures
    from row_counts
    where row_count <> 2 * {{ var('top_procedures') }}

    union all

    select
        scope_id,
        shared_procedures
    from growing

)

select * from final
