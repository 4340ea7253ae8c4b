with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

final as (

    select
        study_id,
        resident_name,
        organization_code,
        modality_code,
        exam_code,
        procedure_name,
        priority,
        finalized_at,
        academic_year,
        requirement_status,
        rvu
    from studies

)

select * from final
