with

lines as (

    select * from {{ ref('int_exam_lines_valued') }}

),

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

exclusions as (

    select * from {{ ref('stg_reference__cpt_exclusions') }}

),

-- A code that another one on the exam says was of something else.
excluded as (

    select distinct
        lines.exam_id,
        lines.cpt_code
    from lines
    inner join exclusions
        on lines.cpt_code = exclusions.cpt_code
    inner join lines as beside
        on
            lines.exam_id = beside.exam_id
            and exclusions.beside_cpt_code = beside.cpt_code

),

-- A code that the map leaves off by default is a code like any other without a category.
categorised as (

    select
        lines.*,
        excluded.exam_id is not null as is_excluded,
        cpt_map.category_id,
        coalesce(cpt_map.counts_alone, false) as counts_alone
    from lines
    left join excluded
        on
            lines.exam_id = excluded.exam_id
            and lines.cpt_code = excluded.cpt_code
    left join cpt_map
        on
            lines.cpt_code = cpt_map.cpt_code
            and cpt_map.counts_by_default
            and excluded.exam_id is null

),

-- An add-on is required only where another code makes the exam count in the add-on's category.
final as (

    select
        exam_id,
        exam_code,
        organization_id,
        cpt_text,
        cpt_code,
        other_modifiers,
        exported_rvu,
        rvu,
        is_counted,
        is_rvu_missing,
        is_excluded,
        category_id,
        counts_alone,
        category_id is not null
        and max(case when counts_alone then 1 else 0 end) over (
            partition by exam_id, category_id
        ) = 1 as is_required
    from categorised

)

select * from final
