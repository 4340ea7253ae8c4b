with

exam_to_cpt as (

    select * from {{ ref('stg_residency__exam_to_cpt') }}

),

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

-- A code that the map leaves off by default is a code like any other without a category.
counting_codes as (

    select
        cpt_code,
        category_id,
        counts_alone
    from cpt_map
    where counts_by_default

),

lines as (

    select
        exam_to_cpt.exam_code,
        exam_to_cpt.cpt_text,
        exam_to_cpt.cpt_code,
        exam_to_cpt.rvu,
        counting_codes.category_id,
        coalesce(counting_codes.counts_alone, false) as counts_alone
    from exam_to_cpt
    left join counting_codes
        on exam_to_cpt.cpt_code = counting_codes.cpt_code

),

-- An add-on is required only where another code makes the exam count in the add-on's category.
final as (

    select
        exam_code,
        cpt_text,
        cpt_code,
        coalesce(rvu, 0)::numeric(14, 4) as rvu,
        rvu is null as is_rvu_missing,
        category_id,
        counts_alone,
        category_id is not null
        and max(case when counts_alone then 1 else 0 end) over (
            partition by exam_code, category_id
        ) = 1 as is_required
    from lines

)

select * from final
