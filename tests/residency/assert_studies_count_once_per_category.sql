-- What a resident completed in a category is the number of distinct studies with a code of that
-- category that counts alone, found here by joining studies to lines to the map without any of the
-- steps in between. Counting lines instead of studies breaks this: a total spine would be three
-- exams.
with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_to_cpt as (

    select * from {{ ref('stg_residency__exam_to_cpt') }}

),

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

progress as (

    select * from {{ ref('case_log_progress') }}

),

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

-- Of the lines of its exam code a study has those of its site; without any, those of no site.
study_lines as (

    select
        studies.study_id,
        studies.resident_name,
        exam_to_cpt.cpt_code,
        coalesce(exam_to_cpt.organization_id, exam_to_cpt.organization_code) is not null
            as is_of_the_site,
        bool_or(coalesce(exam_to_cpt.organization_id, exam_to_cpt.organization_code) is not null)
            over (partition by studies.study_id) as has_lines_of_the_site
    from studies
    inner join organizations
        on studies.organization_code = organizations.organization_code
    inner join exam_to_cpt
        on
            studies.exam_code = exam_to_cpt.exam_code
            and organizations.organization_id
            = coalesce(exam_to_cpt.organization_id, organizations.organization_id)
            and organizations.organization_code
            = coalesce(exam_to_cpt.organization_code, organizations.organization_code)

),

counted as (

    select
        study_lines.resident_name,
        cpt_map.category_id,
        count(distinct study_lines.study_id) as study_count
    from study_lines
    inner join cpt_map
        on study_lines.cpt_code = cpt_map.cpt_code
    where
        study_lines.is_of_the_site = study_lines.has_lines_of_the_site
        and cpt_map.counts_by_default
        and cpt_map.counts_alone
    group by
        study_lines.resident_name,
        cpt_map.category_id

),

final as (

    select
        coalesce(progress.resident_name, counted.resident_name) as resident_name,
        coalesce(progress.category_id, counted.category_id) as category_id,
        progress.completed,
        counted.study_count
    from progress
    full outer join counted
        on
            progress.resident_name = counted.resident_name
            and progress.category_id = counted.category_id
    where
        progress.completed is null
        or progress.completed <> coalesce(counted.study_count, 0)

)

select * from final
