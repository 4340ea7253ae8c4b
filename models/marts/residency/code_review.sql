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

switched as (

    select * from {{ ref('int_cpt_codes_switched') }}

),

codes_named as (

    select * from {{ ref('int_cpt_codes_named') }}

),

progress as (

    select * from {{ ref('int_case_log_counted') }}

),

studies_by_exam as (

    select
        exam_id,
        count(*) as study_count
    from studies
    group by exam_id

),

codes_by_exam as (

    select
        exam_id,
        cpt_code,
        sum(rvu) as rvu
    from cpt_lines
    where cpt_code is not null
    group by
        exam_id,
        cpt_code

),

measured as (

    select
        codes_by_exam.cpt_code,
        coalesce(sum(studies_by_exam.study_count), 0) as study_count,
        coalesce(sum(codes_by_exam.rvu * studies_by_exam.study_count), 0) as rvu
    from codes_by_exam
    left join studies_by_exam
        on codes_by_exam.exam_id = studies_by_exam.exam_id
    group by codes_by_exam.cpt_code

),

changed as (

    select
        switched.cpt_code,
        count(*) as met_change
    from switched
    inner join progress
        on
            switched.resident_name = progress.resident_name
            and switched.category_id = progress.category_id
    where
        progress.is_met
        <> (progress.completed + switched.study_change >= progress.required_minimum)
    group by switched.cpt_code

),

final as (

    select
        measured.cpt_code,
        codes_named.example_exam,
        cpt_map.cpt_code is not null as is_known,
        cpt_map.category_id,
        cpt_map.counts_by_default,
        cpt_map.counts_alone,
        cpt_map.confidence,
        measured.study_count::integer as study_count,
        measured.rvu::numeric(14, 4) as rvu,
        case when cpt_map.cpt_code is not null then coalesce(changed.met_change, 0) end::integer
            as met_change,
        cpt_map.note
    from measured
    left join cpt_map
        on measured.cpt_code = cpt_map.cpt_code
    left join codes_named
        on measured.cpt_code = codes_named.cpt_code
    left join changed
        on measured.cpt_code = changed.cpt_code

)

select * from final
