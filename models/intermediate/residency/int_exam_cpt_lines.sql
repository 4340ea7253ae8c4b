with

exam_to_cpt as (

    select * from {{ ref('stg_residency__exam_to_cpt') }}

),

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

cpt_map as (

    select * from {{ ref('stg_reference__cpt_case_log_category') }}

),

exclusions as (

    select * from {{ ref('stg_reference__cpt_exclusions') }}

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

-- A line may hold for one site only, which it names by identifier or by code.
lines as (

    select
        exam_to_cpt.exam_code,
        coalesce(exam_to_cpt.organization_id, organizations.organization_id) as organization_id,
        exam_to_cpt.cpt_text,
        exam_to_cpt.cpt_code,
        exam_to_cpt.cpt_modifiers,
        exam_to_cpt.rvu,
        counting_codes.category_id,
        coalesce(counting_codes.counts_alone, false) as counts_alone
    from exam_to_cpt
    left join organizations
        on exam_to_cpt.organization_code = organizations.organization_code
    left join counting_codes
        on exam_to_cpt.cpt_code = counting_codes.cpt_code

),

-- -26 is the reading and -TC the taking of one and the same exam. All other modifiers, like LT and
-- RT, tell exams apart.
told_apart as (

    select
        *,
        exam_code || coalesce(chr(31) || organization_id, '') as exam_id,
        coalesce(cpt_modifiers like '% 26 %' or cpt_modifiers like '% TC %', false) as is_part,
        trim(replace(replace(cpt_modifiers, ' 26 ', ''), ' TC ', '')) as other_modifiers
    from lines

),

-- A code that another one on the exam says was of something else.
excluded as (

    select distinct
        told_apart.exam_id,
        told_apart.cpt_code
    from told_apart
    inner join exclusions
        on told_apart.cpt_code = exclusions.cpt_code
    inner join told_apart as beside
        on
            told_apart.exam_id = beside.exam_id
            and exclusions.beside_cpt_code = beside.cpt_code

),

placed as (

    select
        told_apart.exam_id,
        told_apart.exam_code,
        told_apart.organization_id,
        told_apart.cpt_text,
        told_apart.cpt_code,
        told_apart.other_modifiers,
        told_apart.is_part,
        told_apart.rvu,
        case when excluded.exam_id is null then told_apart.category_id end as category_id,
        excluded.exam_id is null and told_apart.counts_alone as counts_alone
    from told_apart
    left join excluded
        on
            told_apart.exam_id = excluded.exam_id
            and told_apart.cpt_code = excluded.cpt_code

),

-- Fee schedules list a code as a whole and by its parts: that is one exam, not three.
weighed as (

    select
        *,
        sum(case when not is_part then rvu end) over same_exam as whole_rvu,
        sum(case when is_part then rvu end) over same_exam as parts_rvu,
        max(case when is_part then 0 else 1 end) over same_exam as has_whole
    from placed
    window same_exam as (partition by exam_id, cpt_code, other_modifiers)

),

-- The whole stands for its parts, unless the parts carry more: some schedules value the reading
-- alone.
chosen as (

    select
        *,
        cpt_code is null
        or is_part = (has_whole = 0 or coalesce(parts_rvu, 0) > coalesce(whole_rvu, 0))
            as is_counted
    from weighed

),

-- An add-on is required only where another code makes the exam count in the add-on's category.
final as (

    select
        exam_id,
        exam_code,
        organization_id,
        cpt_text,
        cpt_code,
        other_modifiers,
        coalesce(rvu, 0)::numeric(14, 4) as exported_rvu,
        case when is_counted then coalesce(rvu, 0) else 0 end::numeric(14, 4) as rvu,
        is_counted,
        rvu is null
        and (cpt_code is null or (whole_rvu is null and parts_rvu is null))
            as is_rvu_missing,
        category_id,
        counts_alone,
        category_id is not null
        and max(case when counts_alone then 1 else 0 end) over (
            partition by exam_id, category_id
        ) = 1 as is_required
    from chosen

)

select * from final
