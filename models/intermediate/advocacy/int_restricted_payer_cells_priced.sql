with

cells as (

    select * from {{ ref('int_restricted_payer_cells') }}

),

prices as (

    select * from {{ ref('int_procedure_prices') }}

),

-- Rows of a month and a procedure, each a procedure at least: no row is below these.
smallest as (

    select
        cells.payer_name,
        cells.period_start as service_month,
        cells.procedure_code,
        prices.lowest_price
    from cells
    inner join prices
        on cells.procedure_code = prices.procedure_code
    where cells.period_kind = 'month'

),

covered as (

    {{ in_each_period('smallest') }}

),

final as (

    select
        {{ surrogate_key(['payer_name', 'period_kind', 'period_start', 'procedure_code']) }}
            as cell_id,
        count(*) as smallest_count,
        sum(lowest_price)::numeric(18, 2) as smallest_cost,
        max(lowest_price)::numeric(18, 2) as dearest_price
    from covered
    group by grouping sets (
        (payer_name, period_kind, period_start),
        (payer_name, period_kind, period_start, procedure_code)
    )

)

select * from final
