-- A resident has as many rows in study_categories for a category as case_log_totals counts there.
-- When this breaks, a study that somebody can point at is not in the number beside it, or the other
-- way round.
{% set category_ids = [] %}
{% if execute %}
{% set category_ids = category_columns(graph.nodes['model.casebook.case_log_totals'].columns) %}
{% endif %}
with

study_categories as (

    select * from {{ ref('study_categories') }}

),

totals as (

    select * from {{ ref('case_log_totals') }}

),

cells as (

    {% for category_id in category_ids %}
    select
        resident_name,
        '{{ category_id }}' as category_id,
        {{ category_id }} as completed
    from totals
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

listed as (

    select
        resident_name,
        category_id,
        count(*) as study_count
    from study_categories
    group by resident_name, category_id

),

final as (

    select
        coalesce(cells.resident_name, listed.resident_name) as resident_name,
        coalesce(cells.category_id, listed.category_id) as category_id,
        cells.completed,
        listed.study_count
    from cells
    full outer join listed
        on
            cells.resident_name = listed.resident_name
            and cells.category_id = listed.category_id
    where
        cells.completed is null
        or cells.completed <> coalesce(listed.study_count, 0)

)

select * from final
