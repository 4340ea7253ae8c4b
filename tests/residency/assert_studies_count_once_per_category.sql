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

counted as (

    select
        studies.resident_name,
        cpt_map.category_id,
        count(distinct studies.study_id) as study_count
    from studies
    inner join exam_to_cpt
        on studies.exam_code = exam_to_cpt.exam_code
    inner join cpt_map
        on exam_to_cpt.cpt_code = cpt_map.cpt_code
    where
        cpt_map.counts_by_default
        and cpt_map.counts_alone
    group by
        studies.resident_name,
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
