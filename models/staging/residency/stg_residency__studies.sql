with

source as (

    select * from {{ raw_table('residency', 'studies') }}

),

final as (

    select
        -- ids
        {{ surrogate_key([
            'priorities',
            'exam_code',
            'procedure_name',
            'trainee_name',
            utc_text('finalized'),
            'modality_id',
            'organization_id',
        ]) }} as study_row_key,
        nullif(trim(exam_code), '') as exam_code,
        nullif(trim(modality_id), '') as modality_id,
        nullif(trim(organization_id), '') as organization_id,

        -- the study
        nullif(trim(priorities), '') as priority,
        nullif(trim(procedure_name), '') as procedure_name,
        case when trim(trainee_name) <> '' then trainee_name end as resident_name,
        finalized as finalized_at
    from source

)

select * from final
