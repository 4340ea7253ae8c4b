with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

procedures as (

    select * from {{ ref('procedure_summary') }}

),

procedure_patients as (

    select * from {{ ref('int_procedure_patients') }}

),

visible_encounters as (

    select * from {{ ref('int_encounters_visible') }}

),

numbers as (

    {{ dbt.generate_series(var('top_procedures')) }}

),

own_patients as (

    select
        scope_id,
        patient_id
    from visible_encounters
    group by scope_id, patient_id

),

sharing as (

    select
        procedure_patients.scope_id,
        procedure_patients.patient_id,
        count(*) as shared_procedures,
        bool_or(procedure_patients.is_insured) as is_insured
    from procedure_patients
    inner join procedures
        on
            procedure_patients.scope_id = procedures.scope_id
            and procedure_patients.procedure_code = procedures.procedure_code
    left join own_patients
        on
            procedure_patients.scope_id = own_patients.scope_id
            and procedure_patients.patient_id = own_patients.patient_id
    where
        procedures.count_rank <= {{ var('top_procedures') }}
        and own_patients.patient_id is null
    group by procedure_patients.scope_id, procedure_patients.patient_id

),

counted as (

    select
        scopes.scope_id,
        scopes.client_id,
        numbers.generated_number as shared_procedures,
        count(case when sharing.is_insured then 1 end) as other_insured_count,
        count(case when not sharing.is_insured then 1 end) as uninsured_count
    from scopes
    cross join numbers
    left join sharing
        on
            scopes.scope_id = sharing.scope_id
            and numbers.generated_number <= sharing.shared_procedures
    group by scopes.scope_id, scopes.client_id, numbers.generated_number

),

grouped as (

    select
        scope_id,
        client_id,
        shared_procedures,
        'other_insured' as patient_group,
        other_insured_count as patient_count
    from counted

    union all

    select
        scope_id,
        client_id,
        shared_procedures,
        'uninsured' as patient_group,
        uninsured_count as patient_count
    from counted

),

final as (

    select
        scope_id::text as scope_id,
        client_id::text as client_id,
        shared_procedures::integer as shared_procedures,
        patient_group::text as patient_group,
        {{ rounded_count('patient_count', 'patient_count') }}::integer as patient_count,
        {{ is_small('patient_count') }} as is_suppressed
    from grouped

)

select * from final
