with

source as (

    select * from {{ ref('cpt_case_log_category') }}

),

final as (

    select
        -- ids
        cpt as cpt_code,
        category_id,

        -- how the code counts
        confidence,
        counts_by_default,
        counts_alone,

        -- validity
        valid_from as valid_from_on,
        valid_to as valid_to_on,
        replaced_by,
        note
    from source

)

select * from final
