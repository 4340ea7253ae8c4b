with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_study_counts as (

    select
        exam_id,
        count(*) as study_count
    from studies
    group by exam_id

),

unrecognised as (

    select
        exam_id,
        trim(cpt_text) as cpt_text
    from cpt_lines
    where
        cpt_code is null
        and trim(cpt_text) <> ''
    group by
        exam_id,
        trim(cpt_text)

),

unrecognised_texts as (

    select
        unrecognised.cpt_text,
        coalesce(sum(exam_study_counts.study_count), 0) as study_count
    from unrecognised
    left join exam_study_counts
        on unrecognised.exam_id = exam_study_counts.exam_id
    group by unrecognised.cpt_text

),

exams_without_rvu as (

    select
        exam_id,
        exam_code,
        count(*) as cpt_line_count
    from cpt_lines
    where
        is_rvu_missing
        and cpt_code is not null
    group by
        exam_id,
        exam_code

),

exam_codes_without_rvu as (

    select
        exams_without_rvu.exam_code,
        sum(exams_without_rvu.cpt_line_count) as cpt_line_count,
        coalesce(sum(exam_study_counts.study_count), 0) as study_count
    from exams_without_rvu
    left join exam_study_counts
        on exams_without_rvu.exam_id = exam_study_counts.exam_id
    group by exams_without_rvu.exam_code

),

final as (

    select
        'unrecognised_cpt_text' as finding,
        cpt_text as subject,
        study_count::integer as study_count,
        'Has not the shape of a CPT or HCPCS code; read as a line without one.' as detail
    from unrecognised_texts

    union all

    select
        'missing_rvu' as finding,
        exam_code as subject,
        study_count::integer as study_count,
        'CPT codes without RVU, counted as 0: ' || cpt_line_count::text || '.' as detail
    from exam_codes_without_rvu

)

select * from final
