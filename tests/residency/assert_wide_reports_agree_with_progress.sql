-- Each cell of the three wide reports says what case_log_progress says of that resident and
-- category. A column that took another category's figures, or one from a report left behind, breaks
-- this.
{% set category_ids = [] %}
{% if execute %}
{% set contract = graph.nodes['model.casebook.case_log_totals'].columns %}
{% set category_ids = category_columns(contract) %}
{% endif %}
with

totals as (

    select * from {{ ref('case_log_totals') }}

),

percentages as (

    select * from {{ ref('case_log_percentages') }}

),

statuses as (

    select * from {{ ref('case_log_status') }}

),

progress as (

    select * from {{ ref('case_log_progress') }}

),

cells as (

    {% for category_id in category_ids %}
    select
        totals.resident_name,
        '{{ category_id }}' as category_id,
        totals.{{ category_id }} as completed,
        percentages.{{ category_id }} as percent_of_minimum,
        statuses.{{ category_id }} as status
    from totals
    inner join percentages
        on totals.resident_name = percentages.resident_name
    inner join statuses
        on totals.resident_name = statuses.resident_name
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        coalesce(progress.resident_name, cells.resident_name) as resident_name,
        coalesce(progress.category_id, cells.category_id) as category_id,
        progress.completed,
        cells.completed as completed_in_totals,
        cells.percent_of_minimum as percent_in_percentages,
        cells.status as status_in_status
    from progress
    full outer join cells
        on
            progress.resident_name = cells.resident_name
            and progress.category_id = cells.category_id
    where
        progress.resident_name is null
        or cells.resident_name is null
        or progress.completed <> cells.completed
        or progress.percent_of_minimum <> cells.percent_of_minimum
        or cells.status <> case when progress.is_met then 'Met' else progress.remaining::text end

)

select * from final
