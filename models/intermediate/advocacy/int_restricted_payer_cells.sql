with

patient_costs as (

    select * from {{ ref('int_restricted_payer_costs') }}

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

-- Rows of a month and a procedure: no row is below these.
smallest as (

    select
        payer_name,
        period_start as service_month,
        procedure_code
    from totals
    where
        period_kind = 'month'
        and procedure_code is not null

),

covered as (

    {{ in_each_period('smallest') }}

),

contents as (

    select
        {{ surrogate_key(['payer_name', 'period_kind', 'period_start', 'procedure_code']) }}
            as cell_id,
        count(*) as smallest_count
    from covered
    group by grouping sets (
        (payer_name, period_kind, period_start),
        (payer_name, period_kind, period_start, procedure_code)
    )

),

keyed as (

    select
        {{ surrogate_key(['payer_name', 'period_kind', 'period_start', 'procedure_code']) }}
            as cell_id,
        totals.*
    from totals

),

final as (

    select
        keyed.cell_id,
        keyed.payer_name,
        keyed.period_kind,
        keyed.period_start,
        keyed.procedure_code,
        keyed.patient_count,
        keyed.procedure_count,
        keyed.total_cost::numeric(18, 2) as total_cost,
        keyed.top_two_cost::numeric(18, 2) as top_two_cost,
        contents.smallest_count
    from keyed
    left join contents
        on keyed.cell_id = contents.cell_id

)

select * from final
