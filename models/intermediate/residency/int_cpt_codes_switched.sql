with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

-- Of the codes that count, the one without which an exam would count no longer.
lost_exams as (

    select
        exam_id,
        category_id,
        min(cpt_code) as cpt_code,
        -1 as direction
    from cpt_lines
    where counts_alone
    group by
        exam_id,
        category_id
    having count(distinct cpt_code) = 1

),

-- Of the codes that do not, each with which an exam would count that does not yet. Beside a code
-- that excludes it none would count, switched on or not.
won_exams as (

    select distinct
        cpt_lines.exam_id,
        cpt_map.category_id,
        cpt_lines.cpt_code,
        1 as direction
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
        and not cpt_lines.is_excluded
        and exam_categories.exam_id is null

),

changed_exams as (

    select * from lost_exams
    union all
    select * from won_exams

),

final as (

    select
        changed_exams.cpt_code,
        changed_exams.category_id,
        studies.resident_name,
        sum(changed_exams.direction)::integer as study_change
    from changed_exams
    inner join studies
        on changed_exams.exam_id = studies.exam_id
    group by
        changed_exams.cpt_code,
        changed_exams.category_id,
        studies.resident_name

)

select * from final
