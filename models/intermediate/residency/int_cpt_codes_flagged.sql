with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

studies_by_day as (

    select
        exam_id,
        finalized_on,
        count(*) as study_count
    from studies
    group by
        exam_id,
        finalized_on

),

-- A code that stands on several lines of one exam is reported once per study.
exam_codes_with_cpt as (

    select
        exam_id,
        cpt_code
    from cpt_lines
    where cpt_code is not null
    group by
        exam_id,
        cpt_code

),

outside_validity as (

    select
        cpt_map.cpt_code,
        cpt_map.valid_from_on,
        cpt_map.valid_to_on,
        cpt_map.replaced_by,
        sum(studies_by_day.study_count) as study_count
    from exam_codes_with_cpt
    inner join cpt_map
        on exam_codes_with_cpt.cpt_code = cpt_map.cpt_code
    inner join studies_by_day
        on exam_codes_with_cpt.exam_id = studies_by_day.exam_id
    where
        studies_by_day.finalized_on < cpt_map.valid_from_on
        or studies_by_day.finalized_on > cpt_map.valid_to_on
    group by
        cpt_map.cpt_code,
        cpt_map.valid_from_on,
        cpt_map.valid_to_on,
        cpt_map.replaced_by

),

final as (

    select
        'code_outside_validity' as finding,
        cpt_code as subject,
        study_count::integer as study_count,
        'Treated as at any other time. Valid'
        || coalesce(' from ' || valid_from_on::text, '')
        || coalesce(' to ' || valid_to_on::text, '')
        || coalesce(', replaced by ' || replaced_by, '')
        || '.' as detail
    from outside_validity

)

select * from final
