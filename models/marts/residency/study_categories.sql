with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

final as (

    select
        studies.study_id::text as study_id,
        exam_categories.category_id::text as category_id,
        studies.resident_name::text as resident_name,
        exam_categories.deciding_cpt_code::text as cpt_code
    from studies
    inner join exam_categories
        on studies.exam_id = exam_categories.exam_id

)

select * from final
