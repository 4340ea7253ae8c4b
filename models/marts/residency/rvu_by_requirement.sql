with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

summed as (

    select
        resident_name,
        sum(required_rvu) as required_rvu,
        sum(not_required_rvu) as not_required_rvu,
        sum(rvu) as total_rvu,
        sum(case when requirement_status = 'required' then rvu else 0 end) as required_study_rvu,
        sum(case when requirement_status = 'not_required' then rvu else 0 end)
            as not_required_study_rvu,
        sum(case when requirement_status = 'unmapped' then rvu else 0 end) as unmapped_study_rvu
    from studies
    group by resident_name

),

final as (

    select
        resident_name,
        required_rvu::numeric(14, 4) as required_rvu,
        not_required_rvu::numeric(14, 4) as not_required_rvu,
        total_rvu::numeric(14, 4) as total_rvu,
        required_study_rvu::numeric(14, 4) as required_study_rvu,
        not_required_study_rvu::numeric(14, 4) as not_required_study_rvu,
        unmapped_study_rvu::numeric(14, 4) as unmapped_study_rvu
    from summed

)

select * from final
