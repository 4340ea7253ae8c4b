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

exams_of_one_site as (

    select * from exams
    where organization_id is not null

),

-- Without an accession number equal rows may be real: each keeps its place, told apart by a number.
numbered as (

    select
        *,
        row_number() over (partition by study_row_key order by finalized_at) as occurrence
    from studies
    -- What an attending read alone is no study of the residency.
    where resident_name is not null

),

-- What an exam code means at one site goes before what it means at all others.
identified as (

    select
        numbered.*,
        coalesce(exams_of_one_site.exam_id, numbered.exam_code) as exam_id
    from numbered
    left join exams_of_one_site
        on
            numbered.exam_code = exams_of_one_site.exam_code
            and numbered.organization_id = exams_of_one_site.organization_id

),

final as (

    select
        -- ids
        {{ surrogate_key(['identified.study_row_key', 'identified.occurrence']) }} as study_id,
        identified.study_row_key,
        identified.occurrence::integer as occurrence,

        -- who, where, what
        identified.resident_name,
        organizations.organization_code,
        modalities.modality_code,
        identified.exam_id,
        identified.exam_code,
        identified.procedure_name,
        identified.priority,

        -- when
        identified.finalized_at,
        {{ time_in_zone('identified.finalized_at', var('source_time_zone')['residency']) }}::date
            as finalized_on,
        {{ academic_year('identified.finalized_at', 'residency') }} as academic_year,

        -- how it counts: an exam code without a CPT line is as unmapped as one without a CPT code
        coalesce(exams.requirement_status, 'unmapped') as requirement_status,
        coalesce(exams.required_rvu, 0)::numeric(14, 4) as required_rvu,
        coalesce(exams.not_required_rvu, 0)::numeric(14, 4) as not_required_rvu,
        coalesce(exams.rvu, 0)::numeric(14, 4) as rvu
    from identified
    left join organizations
        on identified.organization_id = organizations.organization_id
    left join modalities
        on identified.modality_id = modalities.modality_id
    left join exams
        on identified.exam_id = exams.exam_id

)

select * from final
