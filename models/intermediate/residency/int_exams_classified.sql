with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

exams as (

    select
        exam_id,
        exam_code,
        organization_id,
        count(*) as cpt_line_count,
        count(cpt_code) as cpt_code_count,
        count(case when is_required then 1 end) as required_line_count,
        coalesce(sum(case when is_required then rvu end), 0) as required_rvu,
        coalesce(sum(case when not is_required then rvu end), 0) as not_required_rvu,
        sum(rvu) as rvu
    from cpt_lines
    group by
        exam_id,
        exam_code,
        organization_id

),

final as (

    select
        exam_id,
        exam_code,
        organization_id,
        case
            when cpt_code_count = 0 then 'unmapped'
            when required_line_count > 0 then 'required'
            else 'not_required'
        end as requirement_status,
        cpt_line_count::integer as cpt_line_count,
        required_rvu::numeric(14, 4) as required_rvu,
        not_required_rvu::numeric(14, 4) as not_required_rvu,
        rvu::numeric(14, 4) as rvu
    from exams

)

select * from final
