-- A resident's total RVU is the sum of the exported lines over the resident's exported studies, by
-- a plain join that knows no classification. RVUs lost or doubled between export and report break
-- this. Of a code as a whole and by its parts (modifier 26 or TC) the greater sum counts.
with

studies as (

    select * from {{ ref('stg_residency__studies') }}

),

exam_to_cpt as (

    select * from {{ ref('stg_residency__exam_to_cpt') }}

),

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

rvus as (

    select * from {{ ref('rvu_by_requirement') }}

),

studies_by_exam as (

    select
        studies.resident_name,
        studies.exam_code,
        organizations.organization_id,
        organizations.organization_code,
        count(*) as study_count
    from studies
    inner join organizations
        on studies.organization_id = organizations.organization_id
    where studies.resident_name is not null
    group by
        studies.resident_name,
        studies.exam_code,
        organizations.organization_id,
        organizations.organization_code

),

lines as (

    select
        exam_code,
        cpt_code,
        organization_id,
        organization_code,
        rvu,
        cpt_modifiers like '% 26 %' or cpt_modifiers like '% TC %' as is_part,
        trim(replace(replace(cpt_modifiers, ' 26 ', ''), ' TC ', '')) as other_modifiers
    from exam_to_cpt

),

-- By site, the lines that name it; with no site, those that name none.
summed as (

    select
        exam_code,
        organization_id,
        organization_code,
        case
            when cpt_code is null then coalesce(sum(rvu), 0)
            else
                greatest(
                    coalesce(sum(case when not is_part then rvu end), 0),
                    coalesce(sum(case when is_part then rvu end), 0)
                )
        end as rvu
    from lines
    group by
        exam_code,
        organization_id,
        organization_code,
        cpt_code,
        other_modifiers

),

exported as (

    select
        studies_by_exam.resident_name,
        sum(
            studies_by_exam.study_count
            * coalesce(
                (
                    select sum(summed.rvu) from summed
                    where
                        summed.exam_code = studies_by_exam.exam_code
                        and (
                            summed.organization_id = studies_by_exam.organization_id
                            or summed.organization_code = studies_by_exam.organization_code
                        )
                ),
                (
                    select sum(summed.rvu) from summed
                    where
                        summed.exam_code = studies_by_exam.exam_code
                        and summed.organization_id is null
                        and summed.organization_code is null
                ),
                0
            )
        ) as total_rvu
    from studies_by_exam
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
