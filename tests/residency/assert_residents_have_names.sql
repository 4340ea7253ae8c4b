-- Every study that counts names its resident. Studies under an empty name would form a nameless
-- resident, whose minimums would be added to what the group must still do.
with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

final as (

    select
        study_row_key,
        exam_code,
        finalized_at
    from studies
    where
        resident_name is null
        or trim(resident_name) = ''

)

select * from final
