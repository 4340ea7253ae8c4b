with

cells as (

    select * from {{ ref('int_restricted_payer_costs_bounded') }}

),

parts as (

    select
        'procedures' as part_kind,
        payer_name,
        period_kind,
        period_start,
        is_suppressed,
        procedures_low,
        smallest_count,
        smallest_cost,
        lowest_price,
        highest_price,
        cost_low,
        may_be_shown
    from cells
    where procedure_code is not null

    union all

    select
        'months' as part_kind,
        payer_name,
        'year' as period_kind,
        date_trunc('year', period_start)::date as period_start,
        is_suppressed,
        procedures_low,
        smallest_count,
        smallest_cost,
        null as lowest_price,
        null as highest_price,
        cost_low,
        may_be_shown
    from cells
    where
        procedure_code is null
        and period_kind = 'month'

    union all

    select
        'years' as part_kind,
        payer_name,
        'all' as period_kind,
        null::date as period_start,
        is_suppressed,
        procedures_low,
        smallest_count,
        smallest_cost,
        null as lowest_price,
        null as highest_price,
        cost_low,
        may_be_shown
    from cells
    where
        procedure_code is null
        and period_kind = 'year'

),

counted as (

    select
        *,
        case
            when is_suppressed then smallest_count
            else greatest(procedures_low, smallest_count)
        end as fewest
    from parts

),

bounded as (

    select
        *,
        greatest(
            smallest_cost,
            case when not is_suppressed then fewest * lowest_price end,
            case when may_be_shown then cost_low end
        ) as least_cost,
        row_number() over (
            partition by payer_name, period_kind, period_start, part_kind
            order by case when is_suppressed then highest_price else 0 end desc
        ) as price_rank
    from counted

),

final as (

    select
        {{ surrogate_key(['payer_name', 'period_kind', 'period_start', 'null']) }} as cell_id,
        part_kind,
        sum(least_cost)::numeric(18, 2) as least_cost,
        sum(fewest) as fewest,
        sum(fewest * highest_price)::numeric(18, 2) as fewest_cost_at_most,
        -- Whatever procedure has its fewest, one that costs as much as this may have more.
        coalesce(
            max(case when is_suppressed and price_rank = 2 then highest_price end), 0
        )::numeric(18, 2) as second_price
    from bounded
    group by payer_name, period_kind, period_start, part_kind

)

select * from final
