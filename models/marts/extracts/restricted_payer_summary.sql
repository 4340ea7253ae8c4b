with

cells as (

    select * from {{ ref('int_restricted_payer_cells_judged') }}

),

costs as (

    select * from {{ ref('int_restricted_payer_costs_judged') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

final as (

    select
        {{ pseudonym('summary', "'staff'", 'cells.cell_id') }}::text as summary_key,
        cells.payer_name::text as payer_name,
        cells.period_kind::text as period_kind,
        cells.period_start::date as period_start,
        cells.procedure_code::text as procedure_code,
        procedure_names.procedure_name::text as procedure_name,
        {{ rounded_count('cells.patient_count', 'cells.patient_count', 'cells.is_suppressed') }}
            as patient_count,
        {{ rounded_count('cells.procedure_count', 'cells.patient_count', 'cells.is_suppressed') }}
            as procedure_count,
        case when costs.is_shown then costs.rounded_cost end::numeric(18, 2) as total_cost,
        cells.is_suppressed::boolean as is_suppressed
    from cells
    inner join costs
        on cells.cell_id = costs.cell_id
    left join procedure_names
        on cells.procedure_code = procedure_names.procedure_code

)

select * from final
