-- What would each category gain if the program turned on the codes that the CPT map leaves off?
-- One row per category and code that is off: studies that would newly count in the category, those
-- that already count there left out. A program decides with it whether a doubtful code matters.
with

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_codes_off as (

    select
        cpt_lines.exam_id,
        cpt_map.category_id,
        cpt_map.cpt_code,
        cpt_map.note
    from cpt_lines
    inner join cpt_map
        on cpt_lines.cpt_code = cpt_map.cpt_code
    left join exam_categories
        on
            cpt_lines.exam_id = exam_categories.exam_id
            and cpt_map.category_id = exam_categories.category_id
    where
        not cpt_map.counts_by_default
        and cpt_map.counts_alone
        and exam_categories.exam_id is null
    group by
        cpt_lines.exam_id,
        cpt_map.category_id,
        cpt_map.cpt_code,
        cpt_map.note

),

final as (

    select
        exam_codes_off.category_id,
        exam_codes_off.cpt_code,
        exam_codes_off.note,
        count(*) as study_count,
        count(distinct studies.resident_name) as resident_count
    from exam_codes_off
    inner join studies
        on exam_codes_off.exam_id = studies.exam_id
    group by
        exam_codes_off.category_id,
        exam_codes_off.cpt_code,
        exam_codes_off.note

)

select * from final
order by
    category_id asc,
    study_count desc,
    cpt_code asc
