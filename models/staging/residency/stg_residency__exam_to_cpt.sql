with

source as (

    select * from {{ raw_table('residency', 'exam_to_cpt') }}

),

final as (

    select
        -- ids
        nullif(trim(exam_code), '') as exam_code,
        {{ normalised_cpt('cpt') }} as cpt_code,

        -- the line
        cpt as cpt_text,
        rvu
    from source

)

select * from final
