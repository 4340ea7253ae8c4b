with

exams as (

    select * from {{ ref('int_exams_measured') }}

),

flagged as (

    select
        'repeated_cpt_line' as finding,
        exam_code,
        study_count,
        study_count * repeated_rvu as rvu_at_stake,
        'One CPT code stands on several lines, whose RVUs add up: right for both sides, wrong for'
        || ' a line that was repeated.' as detail
    from exams
    where repeated_count > 0

    union all

    select
        'cpt_line_of_a_part' as finding,
        exam_code,
        study_count,
        study_count * part_rvu as rvu_at_stake,
        'A CPT code stands there as a whole and with modifier 26 or TC; it counts once.' as detail
    from exams
    where part_count > 0

    union all

    select
        'several_categories' as finding,
        exam_code,
        study_count,
        study_count * rvu as rvu_at_stake,
        'Each of these studies counts in ' || category_ids
        || ': right for an exam of several parts, wrong for a code that means one exam here and'
        || ' another there.' as detail
    from exams
    where category_count > 1

    union all

    select
        'several_exams' as finding,
        exam_code,
        study_count,
        study_count * rvu as rvu_at_stake,
        'The studies of the exam code differ in modality or name, and all have the same CPT lines.'
            as detail
    from exams
    where
        modality_count > 1
        or (name_count > 1 and cpt_code_count > 1)

),

-- An exam code that means one exam per site is told once.
final as (

    select
        finding,
        exam_code as subject,
        sum(study_count)::integer as study_count,
        max(detail) || ' At stake: ' || sum(rvu_at_stake)::numeric(18, 2)::text || ' RVU.' as detail
    from flagged
    group by
        finding,
        exam_code

)

select * from final
