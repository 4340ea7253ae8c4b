with

cells as (

    select * from {{ ref('int_restricted_payer_cells_judged') }}

),

prices as (

    select * from {{ ref('int_procedure_prices') }}

),

contents as (

    select * from {{ ref('int_restricted_payer_cells_priced') }}

),

stepped as (

    select
        cells.cell_id,
        cells.payer_name,
        cells.period_kind,
        cells.period_start,
        cells.procedure_code,
        cells.is_suppressed,
        cells.total_cost,
        {{ shown_low('cells.procedure_count') }} as procedures_low,
        {{ shown_high('cells.procedure_count') }} as procedures_high,
        contents.smallest_count,
        contents.smallest_cost,
        contents.dearest_price,
        prices.average_price,
        prices.lowest_price,
        prices.highest_price,
        {{ money_step('prices.average_price') }} as cost_step,
        cells.is_suppressed or {{ is_dominated('cells.total_cost', 'cells.top_two_cost') }}
            as is_hidden
    from cells
    inner join contents
        on cells.cell_id = contents.cell_id
    left join prices
        on cells.procedure_code is not distinct from prices.procedure_code

),

rounded as (

    select
        *,
        {{ rounded_money('total_cost', 'cost_step', 'is_hidden') }} as rounded_cost
    from stepped

),

-- A cost stands for less than half a step more than its figure. Of a procedure it may be shown when
-- each number of procedures that the row may stand for could cost it, all at the average price:
-- then the costs of all procedures and periods together leave every number that the counts leave.
final as (

    select
        cell_id,
        payer_name,
        period_kind,
        period_start,
        procedure_code,
        is_suppressed,
        procedures_low,
        procedures_high,
        smallest_count,
        smallest_cost,
        dearest_price,
        lowest_price,
        highest_price,
        rounded_cost::numeric(18, 2) as rounded_cost,
        (rounded_cost - cost_step / 2)::numeric(18, 2) as cost_low,
        (rounded_cost + cost_step / 2)::numeric(18, 2) as cost_high,
        coalesce(
            procedure_code is null
            or (
                average_price between lowest_price and highest_price
                and average_price * procedures_low >= rounded_cost - cost_step / 2
                and average_price * procedures_high < rounded_cost + cost_step / 2
            ),
            false
        )
        and rounded_cost is not null as may_be_shown
    from rounded

)

select * from final
