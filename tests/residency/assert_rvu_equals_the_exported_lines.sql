-- A resident's total RVU is the sum of the exported lines over the resident's exported studies, by
-- a plain join that knows no classification. RVUs lost or doubled between export and report break
-- this.
with

studies as (

    select * from {{ ref('stg_residency__studies') }}

),

exam_to_cpt as (

    select * from {{ ref('stg_residency__exam_to_cpt') }}

),

rvus as (

    select * from {{ ref('rvu_by_requirement') }}

),

studies_by_exam as (

    select
        resident_name,
        exam_code,
        count(*) as study_count
    from studies
    group by
        resident_name,
        exam_code

),

exported as (

    select
        studies_by_exam.resident_name,
        sum(studies_by_exam.study_count * coalesce(exam_to_cpt.rvu, 0)) as total_rvu
    from studies_by_exam
    left join exam_to_cpt
        on studies_by_exam.exam_code = exam_to_cpt.exam_code
    group by studies_by_exam.resident_name

),

final as (

    select
        exported.resident_name,
        exported.total_rvu as exported_rvu,
        rvus.total_rvu as reported_rvu
    from exported
    left join rvus
        on exported.resident_name = rvus.resident_name
    where
        rvus.total_rvu is null
        or exported.total_rvu <> rvus.total_rvu

)

select * from final
