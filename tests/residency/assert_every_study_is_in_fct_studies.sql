-- Residents' studies in equal studies out: for every resident, exam code and moment, fct_studies
-- holds as many rows as the export has with a resident. A join that multiplies or loses studies, or
-- a de-duplication of equal rows, breaks this, and with it every count and every RVU.
with

exported as (

    select * from {{ ref('stg_residency__studies') }}

),

published as (

    select * from {{ ref('fct_studies') }}

),

exported_counts as (

    select
        resident_name,
        coalesce(exam_code, '') as exam_code,
        finalized_at,
        count(*) as study_count
    from exported
    where resident_name is not null
    group by
        resident_name,
        coalesce(exam_code, ''),
        finalized_at

),

published_counts as (

    select
        resident_name,
        coalesce(exam_code, '') as exam_code,
        finalized_at,
        count(*) as study_count
    from published
    group by
        resident_name,
        coalesce(exam_code, ''),
        finalized_at

),

final as (

    select
        coalesce(exported_counts.resident_name, published_counts.resident_name) as resident_name,
        coalesce(exported_counts.exam_code, published_counts.exam_code) as exam_code,
        coalesce(exported_counts.finalized_at, published_counts.finalized_at) as finalized_at,
        exported_counts.study_count as exported_count,
        published_counts.study_count as published_count
    from exported_counts
    full outer join published_counts
        on
            exported_counts.resident_name = published_counts.resident_name
            and exported_counts.exam_code = published_counts.exam_code
            and exported_counts.finalized_at = published_counts.finalized_at
    where coalesce(exported_counts.study_count, 0) <> coalesce(published_counts.study_count, 0)

)

select * from final
