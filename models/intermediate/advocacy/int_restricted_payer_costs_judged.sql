{# Room for so many more of the dearest procedure: a few more than a suppressed row may have, since
   other rows take up some of it. #}
{%- set room = var('min_cell_size') -%}

with

cells as (

    select * from {{ ref('int_restricted_payer_costs_bounded') }}

),

lines as (

    select * from {{ ref('int_restricted_payer_costs_added') }}

),

lines_telling as (

    select lines.cell_id
    from lines
    inner join cells
        on lines.cell_id = cells.cell_id
    where
        -- What the others leave is too little for as many of the dearest as it may look to have.
        cells.cost_high - lines.least_cost < {{ room }} * cells.dearest_price
        -- Or so much that some procedure has to be more often than it may look.
        or (
            lines.part_kind = 'procedures'
            and lines.fewest_cost_at_most
            + (cells.procedures_high - lines.fewest) * lines.second_price
            < cells.cost_low
        )
    group by lines.cell_id

),

final as (

    select
        cells.cell_id,
        cells.rounded_cost,
        cells.may_be_shown and lines_telling.cell_id is null as is_shown
    from cells
    left join lines_telling
        on cells.cell_id = lines_telling.cell_id

)

select * from final
