with

studies as (

    select * from {{ ref('stg_residency__studies') }}

),

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

modalities as (

    select * from {{ ref('stg_residency__modalities') }}

),

exams as (

    select * from {{ ref('int_exams_classified') }}

),

-- Without an accession number equal rows may be real: each keeps its place, told apart by a number.
numbered as (

    select
        *,
        row_number() over (partition by study_row_key order by finalized_at) as occurrence
    from studies

),

final as (

    select
        -- ids
        {{ surrogate_key(['numbered.study_row_key', 'numbered.occurrence']) }} as study_id,
        numbered.study_row_key,
        numbered.occurrence::integer as occurrence,

        -- who, where, what
        numbered.resident_name,
        organizations.organization_code,
        modalities.modality_code,
        numbered.exam_code,
        numbered.procedure_name,
        numbered.priority,

        -- when
        numbered.finalized_at,
        {{ time_in_zone('numbered.finalized_at', var('source_time_zone')['residency']) }}::date
            as finalized_on,
        {{ academic_year('numbered.finalized_at', 'residency') }} as academic_year,

        -- how it counts: an exam code without a CPT line is as unmapped as one without a CPT code
        coalesce(exams.requirement_status, 'unmapped') as requirement_status,
        coalesce(exams.required_rvu, 0)::numeric(14, 4) as required_rvu,
        coalesce(exams.not_required_rvu, 0)::numeric(14, 4) as not_required_rvu,
        coalesce(exams.rvu, 0)::numeric(14, 4) as rvu
    from numbered
    left join organizations
        on numbered.organization_id = organizations.organization_id
    left join modalities
        on numbered.modality_id = modalities.modality_id
    left join exams
        on numbered.exam_code = exams.exam_code

)

select * from final
