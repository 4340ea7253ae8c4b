with

cells as (

    select * from {{ ref('int_restricted_payer_cells') }}

),

lines as (

    select * from {{ ref('int_restricted_payer_lines_added') }}

),

-- Patients of a row are at most those of its parts together, and procedures the sum of theirs.
lines_telling as (

    select lines.cell_id
    from lines
    inner join cells
        on lines.cell_id = cells.cell_id
    where
        lines.sum_high < greatest(
            {{ shown_high('cells.patient_count') }},
            {{ shown_low('cells.patient_count') }} + lines.widest
        )
        or {{ shown_high('cells.procedure_count') }} - lines.procedures_low < lines.room_needed
    group by lines.cell_id

),

final as (

    select
        cells.cell_id,
        cells.payer_name,
        cells.period_kind,
        cells.period_start,
        cells.procedure_code,
        cells.patient_count,
        cells.procedure_count,
        cells.total_cost,
        cells.top_two_cost,
        {{ is_small('cells.patient_count') }}
        or lines_telling.cell_id is not null
        -- There is a procedure at least in each of the smallest rows. What is left for one of them
        -- has to be enough for as many patients as a suppressed row may have.
        or {{ shown_high('cells.procedure_count') }} - (cells.smallest_count - 1)
        < {{ var('min_cell_size') - 1 }} as is_suppressed
    from cells
    left join lines_telling
        on cells.cell_id = lines_telling.cell_id

)

select * from final
