with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exams as (

    select * from {{ ref('int_exams_classified') }}

),

exported_studies as (

    select * from {{ ref('stg_residency__studies') }}

),

unmapped as (

    select
        studies.exam_code,
        count(*) as study_count,
        max(exams.cpt_line_count) as cpt_line_count
    from studies
    left join exams
        on studies.exam_id = exams.exam_id
    where studies.requirement_status = 'unmapped'
    group by studies.exam_code

),

-- Counted per exam code: a finding that everyone reads must not point at one resident.
repeated as (

    select
        exam_code,
        count(*) as study_count
    from studies
    where occurrence > 1
    group by exam_code

),

unmapped_findings as (

    select
        'unmapped_exam_code' as finding,
        exam_code,
        study_count,
        case
            when exam_code is null then 'These studies carry no exam code.'
            when cpt_line_count is null then 'The exam code has no line in exam_to_cpt.'
            else 'No line of the exam code in exam_to_cpt holds a CPT code.'
        end as detail
    from unmapped

),

repeated_findings as (

    select
        'equal_rows' as finding,
        exam_code,
        study_count,
        'Rows equal to an earlier row in every column; all of them count.' as detail
    from repeated

),

-- One for all: every exam code that attendings read would fill the list.
without_trainee_findings as (

    select
        'without_trainee' as finding,
        '(no trainee)' as exam_code,
        count(*) as study_count,
        'These studies name no trainee. They are left out of case logs, RVUs and sites.' as detail
    from exported_studies
    where resident_name is null
    having count(*) > 0

),

united as (

    select * from unmapped_findings
    union all
    select * from repeated_findings
    union all
    select * from without_trainee_findings

),

final as (

    select
        finding,
        coalesce(exam_code, '(no exam code)') as subject,
        study_count::integer as study_count,
        detail
    from united

)

select * from final
