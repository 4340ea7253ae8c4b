with

exam_to_cpt as (

    select * from {{ ref('stg_residency__exam_to_cpt') }}

),

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

-- A line may hold for one site only, which it names by identifier or by code.
lines as (

    select
        exam_to_cpt.exam_code,
        coalesce(exam_to_cpt.organization_id, organizations.organization_id) as organization_id,
        exam_to_cpt.cpt_text,
        exam_to_cpt.cpt_code,
        exam_to_cpt.cpt_modifiers,
        exam_to_cpt.rvu
    from exam_to_cpt
    left join organizations
        on exam_to_cpt.organization_code = organizations.organization_code

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

-- Fee schedules list a code as a whole and by its parts: that is one exam, not three.
weighed as (

    select
        *,
        sum(case when not is_part then rvu end) over same_exam as whole_rvu,
        sum(case when is_part then rvu end) over same_exam as parts_rvu,
        max(case when is_part then 0 else 1 end) over same_exam as has_whole
    from told_apart
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
            as is_rvu_missing
    from chosen

)

select * from final
