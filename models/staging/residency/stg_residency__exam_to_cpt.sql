with

source as (

    select * from {{ raw_table('residency', 'exam_to_cpt') }}

),

final as (

    select
        -- ids
        nullif(trim(exam_code), '') as exam_code,
        {{ normalised_cpt('cpt') }} as cpt_code,
        nullif(trim(organization_id), '') as organization_id,
        nullif(trim(organization_code), '') as organization_code,

        -- the line
        cpt as cpt_text,
        {{ cpt_modifiers('cpt') }} as cpt_modifiers,
        rvu
    from source

)

select * from final
