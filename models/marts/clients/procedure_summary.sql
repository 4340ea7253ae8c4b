with

procedures as (

    select * from {{ ref('int_procedures_scoped') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

procedure_specialties as (

    select * from {{ ref('int_procedure_specialties') }}

),

totals as (

    select
        scope_id,
        client_id,
        procedure_code,
        count(*) as procedure_count,
        count(distinct patient_id) as patient_count,
        sum(procedure_cost) as total_cost
    from procedures
    group by scope_id, client_id, procedure_code

),

ranked as (

    select
        scope_id,
        client_id,
        procedure_code,
        procedure_count,
        patient_count,
        total_cost,
        row_number() over (
            partition by scope_id
            order by total_cost desc, {{ code_order('procedure_code') }}
        ) as cost_rank,
        row_number() over (
            partition by scope_id
            order by procedure_count desc, {{ code_order('procedure_code') }}
        ) as count_rank
    from totals

),

final as (

    select
        ranked.scope_id::text as scope_id,
        ranked.client_id::text as client_id,
        ranked.procedure_code::text as procedure_code,
        procedure_names.procedure_name::text as procedure_name,
        procedure_specialties.specialty_id::text as specialty_id,
        ranked.procedure_count::integer as procedure_count,
        ranked.patient_count::integer as patient_count,
        ranked.total_cost::numeric(18, 2) as total_cost,
        (ranked.total_cost / ranked.procedure_count)::numeric(18, 2) as average_cost,
        ranked.cost_rank::integer as cost_rank,
        ranked.count_rank::integer as count_rank
    from ranked
    inner join procedure_names
        on ranked.procedure_code = procedure_names.procedure_code
    inner join procedure_specialties
        on ranked.procedure_code = procedure_specialties.procedure_code

)

select * from final
