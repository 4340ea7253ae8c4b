with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

exams as (

    select * from {{ ref('int_exams_classified') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

read_exams as (

    select
        exam_id,
        count(*) as study_count,
        count(distinct modality_code) as modality_count,
        count(distinct lower(procedure_name)) as name_count
    from studies
    group by exam_id

),

-- Both knees are two lines with RT and LT, or twice the same line. So is a line that a join repeated.
placed_lines as (

    select
        exam_id,
        cpt_code,
        exported_rvu,
        rvu,
        is_counted,
        row_number() over (
            partition by exam_id, cpt_code, other_modifiers, is_counted order by rvu desc
        ) as place_among_equals
    from cpt_lines
    where cpt_code is not null

),

summed_lines as (

    select
        exam_id,
        count(distinct cpt_code) as cpt_code_count,
        count(case when is_counted and place_among_equals > 1 then 1 end) as repeated_count,
        sum(case when is_counted and place_among_equals > 1 then rvu else 0 end) as repeated_rvu,
        count(case when not is_counted then 1 end) as part_count,
        sum(exported_rvu - rvu) as part_rvu
    from placed_lines
    group by exam_id

),

counted_categories as (

    select
        exam_id,
        count(*) as category_count,
        {{ dbt.listagg('category_id', "', '", 'order by category_id') }} as category_ids
    from exam_categories
    group by exam_id

),

described as (

    select
        exams.exam_code,
        exams.rvu,
        coalesce(read_exams.study_count, 0) as study_count,
        coalesce(read_exams.modality_count, 0) as modality_count,
        coalesce(read_exams.name_count, 0) as name_count,
        coalesce(summed_lines.cpt_code_count, 0) as cpt_code_count,
        coalesce(summed_lines.repeated_count, 0) as repeated_count,
        coalesce(summed_lines.repeated_rvu, 0) as repeated_rvu,
        coalesce(summed_lines.part_count, 0) as part_count,
        coalesce(summed_lines.part_rvu, 0) as part_rvu,
        coalesce(counted_categories.category_count, 0) as category_count,
        counted_categories.category_ids
    from exams
    left join read_exams
        on exams.exam_id = read_exams.exam_id
    left join summed_lines
        on exams.exam_id = summed_lines.exam_id
    left join counted_categories
        on exams.exam_id = counted_categories.exam_id

),

flagged as (

    select
        'repeated_cpt_line' as finding,
        exam_code,
        study_count,
        study_count * repeated_rvu as rvu_at_stake,
        'One CPT code stands on several lines, whose RVUs add up: right for both sides, wrong for'
        || ' a line that was repeated.' as detail
    from described
    where repeated_count > 0

    union all

    select
        'cpt_line_of_a_part' as finding,
        exam_code,
        study_count,
        study_count * part_rvu as rvu_at_stake,
        'A CPT code stands there as a whole and with modifier 26 or TC; it counts once.' as detail
    from described
    where part_count > 0

    union all

    select
        'several_categories' as finding,
        exam_code,
        study_count,
        study_count * rvu as rvu_at_stake,
        'Each of these studies counts in ' || category_ids
        || ': right for an exam of several parts, wrong for a code that means one exam here and'
        || ' another there.' as detail
    from described
    where category_count > 1

    union all

    select
        'several_exams' as finding,
        exam_code,
        study_count,
        study_count * rvu as rvu_at_stake,
        'The studies of the exam code differ in modality or name, and all have the same CPT lines.'
            as detail
    from described
    where
        modality_count > 1
        or (name_count > 1 and cpt_code_count > 1)

),

-- An exam code that means one exam per site is told once.
final as (

    select
        finding,
        exam_code as subject,
        sum(study_count)::integer as study_count,
        max(detail) || ' At stake: ' || sum(rvu_at_stake)::numeric(18, 2)::text || ' RVU.' as detail
    from flagged
    group by
        finding,
        exam_code

)

select * from final
