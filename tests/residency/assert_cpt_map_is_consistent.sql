-- In the CPT map every code is spelled as the export's codes are after normalisation, and no code
-- ends before it begins. A code spelled otherwise would never be found, and its exams not counted.
with

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

final as (

    select
        cpt_code,
        valid_from_on,
        valid_to_on
    from cpt_map
    where
        valid_to_on < valid_from_on
        or {{ normalised_cpt('cpt_code') }} is distinct from cpt_code

)

select * from final
