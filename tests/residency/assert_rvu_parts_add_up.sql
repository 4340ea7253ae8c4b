-- Both splits of a resident's RVUs add up to the same total, by CPT line and by whole study. A line
-- or a study that falls out of a split, or into both parts, breaks this: work would vanish from the
-- report or be shown twice.
with

rvus as (

    select * from {{ ref('rvu_by_requirement') }}

),

final as (

    select
        resident_name,
        total_rvu,
        required_rvu + not_required_rvu as sum_over_lines,
        required_study_rvu + not_required_study_rvu + unmapped_study_rvu as sum_over_studies
    from rvus
    where
        total_rvu <> required_rvu + not_required_rvu
        or total_rvu <> required_study_rvu + not_required_study_rvu + unmapped_study_rvu

)

select * from final
