-- The RVUs of a resident's rows in fct_studies add up to the resident's row in rvu_by_requirement,
-- by status too. A reader who drills down from the report to the studies would find other figures.
with

studies as (

    select * from {{ ref('fct_studies') }}

),

rvus as (

    select * from {{ ref('rvu_by_requirement') }}

),

summed as (

    select
        resident_name,
        sum(rvu) as total_rvu,
        sum(case when requirement_status = 'required' then rvu else 0 end) as required_study_rvu,
        sum(case when requirement_status = 'unmapped' then rvu else 0 end) as unmapped_study_rvu
    from studies
    group by resident_name

),

final as (

    select
        rvus.resident_name,
        rvus.total_rvu,
        summed.total_rvu as total_rvu_of_studies
    from rvus
    left join summed
        on rvus.resident_name = summed.resident_name
    where
        summed.total_rvu is null
        or summed.total_rvu <> rvus.total_rvu
        or summed.required_study_rvu <> rvus.required_study_rvu
        or summed.unmapped_study_rvu <> rvus.unmapped_study_rvu

)

select * from final
