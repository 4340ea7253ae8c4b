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

-- Both knees are two lines with RT and LT, or twice the same line. So is what a join repeated.
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

final as (

    select
        exams.exam_id,
        exams.exam_code,
        exams.rvu,
        coalesce(read_exams.study_count, 0)::integer as study_count,
        coalesce(read_exams.modality_count, 0)::integer as modality_count,
        coalesce(read_exams.name_count, 0)::integer as name_count,
        coalesce(summed_lines.cpt_code_count, 0)::integer as cpt_code_count,
        coalesce(summed_lines.repeated_count, 0)::integer as repeated_count,
        coalesce(summed_lines.repeated_rvu, 0)::numeric(14, 4) as repeated_rvu,
        coalesce(summed_lines.part_count, 0)::integer as part_count,
        coalesce(summed_lines.part_rvu, 0)::numeric(14, 4) as part_rvu,
        coalesce(counted_categories.category_count, 0)::integer as category_count,
        counted_categories.category_ids
    from exams
    left join read_exams
        on exams.exam_id = read_exams.exam_id
    left join summed_lines
        on exams.exam_id = summed_lines.exam_id
    left join counted_categories
        on exams.exam_id = counted_categories.exam_id

)

select * from final
