-- The ten procedures most performed are those of the summary, each with all three groups; the own
-- group is exact, so it is the summary's number of patients. When this breaks, a procedure or a
-- group is missing from the comparison, and its absence tells something.
with

procedure_summary as (

    select * from {{ ref('procedure_summary') }}

),

top_procedure_patients as (

    select * from {{ ref('top_procedure_patients') }}

),

top_procedures as (

    select *
    from procedure_summary
    where count_rank <= {{ var('top_procedures') }}

),

compared as (

    select
        scope_id,
        procedure_code,
        top_rank,
        count(distinct patient_group) as group_count,
        max(case when patient_group = 'own' then patient_count end) as own_count
    from top_procedure_patients
    group by scope_id, procedure_code, top_rank

),

final as (

    select
        coalesce(top_procedures.scope_id, compared.scope_id) as scope_id,
        coalesce(top_procedures.procedure_code, compared.procedure_code) as procedure_code
    from top_procedures
    full outer join compared
        on
            top_procedures.scope_id = compared.scope_id
            and top_procedures.procedure_code = compared.procedure_code
    where
        top_procedures.procedure_code is null
        or compared.procedure_code is null
        or top_procedures.count_rank <> compared.top_rank
        or compared.group_count <> 3
        or compared.own_count is null
        or top_procedures.patient_count <> compared.own_count

)

select * from final
