with

patient_costs as (

    select * from {{ ref('int_restricted_payer_costs') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by payer_name, period_kind, period_start, procedure_code
            order by total_cost desc
        ) as cost_rank
    from patient_costs

),

totals as (

    select
        payer_name,
        period_kind,
        period_start,
        procedure_code,
        count(*) as patient_count,
        sum(procedure_count) as procedure_count,
        sum(total_cost) as total_cost,
        sum(case when cost_rank <= 2 then total_cost else 0 end) as top_two_cost
    from ranked
    group by payer_name, period_kind, period_start, procedure_code

),

final as (

    select
        {{ pseudonym(
            'summary',
            "'staff'",
            surrogate_key([
                'totals.payer_name',
                'totals.period_kind',
                'totals.period_start',
                'totals.procedure_code',
            ])
        ) }}::text as summary_key,
        totals.payer_name::text as payer_name,
        totals.period_kind::text as period_kind,
        totals.period_start::date as period_start,
        totals.procedure_code::text as procedure_code,
        procedure_names.procedure_name::text as procedure_name,
        {{ rounded_count('totals.patient_count', 'totals.patient_count') }} as patient_count,
        {{ rounded_count('totals.procedure_count', 'totals.patient_count') }} as procedure_count,
        ({{ rounded_money(
            'totals.total_cost', 'totals.patient_count', 'totals.top_two_cost'
        ) }})::numeric(18, 2) as total_cost,
        {{ is_small('totals.patient_count') }} as is_suppressed
    from totals
    left join procedure_names
        on totals.procedure_code = procedure_names.procedure_code

)

select * from final
