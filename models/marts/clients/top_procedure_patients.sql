with

procedures as (

    select * from {{ ref('procedure_summary') }}

),

procedure_patients as (

    select * from {{ ref('int_procedure_patients') }}

),

counted as (

    select
        procedures.scope_id,
        procedures.client_id,
        procedures.procedure_code,
        procedures.procedure_name,
        procedures.count_rank as top_rank,
        count(case when procedure_patients.is_own then 1 end) as own_count,
        count(
            case when not procedure_patients.is_own and procedure_patients.is_insured then 1 end
        ) as other_insured_count,
        count(
            case when not procedure_patients.is_own and not procedure_patients.is_insured then 1 end
        ) as uninsured_count
    from procedures
    left join procedure_patients
        on
            procedures.scope_id = procedure_patients.scope_id
            and procedures.procedure_code = procedure_patients.procedure_code
    where procedures.count_rank <= {{ var('top_procedures') }}
    group by
        procedures.scope_id,
        procedures.client_id,
        procedures.procedure_code,
        procedures.procedure_name,
        procedures.count_rank

),

grouped as (

    select
        scope_id,
        client_id,
        procedure_code,
        procedure_name,
        top_rank,
        'own' as patient_group,
        own_count as patient_count,
        -- The client paid for these.
        true as is_exact
    from counted

    union all

    select
        scope_id,
        client_id,
        procedure_code,
        procedure_name,
        top_rank,
        'other_insured' as patient_group,
        other_insured_count as patient_count,
        false as is_exact
    from counted

    union all

    select
        scope_id,
        client_id,
        procedure_code,
        procedure_name,
        top_rank,
        'uninsured' as patient_group,
        uninsured_count as patient_count,
        false as is_exact
    from counted

),

final as (

    select
        scope_id::text as scope_id,
        client_id::text as client_id,
        procedure_code::text as procedure_code,
        procedure_name::text as procedure_name,
        top_rank::integer as top_rank,
        patient_group::text as patient_group,
        case
            when is_exact then patient_count
            else {{ rounded_count('patient_count', 'patient_count') }}
        end::integer as patient_count,
        not is_exact and {{ is_small('patient_count') }} as is_suppressed
    from grouped

)

select * from final
