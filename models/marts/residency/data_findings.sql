with

exam_codes_flagged as (

    select * from {{ ref('int_exam_codes_flagged') }}

),

cpt_codes_flagged as (

    select * from {{ ref('int_cpt_codes_flagged') }}

),

cpt_lines_flagged as (

    select * from {{ ref('int_cpt_lines_flagged') }}

),

exams_flagged as (

    select * from {{ ref('int_exams_flagged') }}

),

landing_flagged as (

    select * from {{ ref('int_landing_flagged') }}

),

united as (

    select * from exam_codes_flagged
    union all
    select * from cpt_codes_flagged
    union all
    select * from cpt_lines_flagged
    union all
    select * from exams_flagged
    union all
    select * from landing_flagged

),

final as (

    select
        {{ surrogate_key(['finding', 'subject']) }} as finding_id,
        finding,
        subject,
        study_count,
        detail
    from united

)

select * from final
