with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

-- A code that stands on several lines of one exam names it once.
codes_by_exam as (

    select
        exam_id,
        cpt_code
    from cpt_lines
    where cpt_code is not null
    group by
        exam_id,
        cpt_code

),

names_by_exam as (

    select
        exam_id,
        procedure_name,
        count(*) as study_count
    from studies
    where procedure_name is not null
    group by
        exam_id,
        procedure_name

),

measured as (

    select
        codes_by_exam.cpt_code,
        names_by_exam.procedure_name,
        sum(names_by_exam.study_count) as study_count
    from codes_by_exam
    inner join names_by_exam
        on codes_by_exam.exam_id = names_by_exam.exam_id
    group by
        codes_by_exam.cpt_code,
        names_by_exam.procedure_name

),

ranked as (

    select
        cpt_code,
        procedure_name,
        row_number() over (
            partition by cpt_code
            order by
                study_count desc,
                {{ code_order('procedure_name') }}
        ) as name_rank
    from measured

),

final as (

    select
        cpt_code,
        procedure_name as example_exam
    from ranked
    where name_rank = 1

)

select * from final
