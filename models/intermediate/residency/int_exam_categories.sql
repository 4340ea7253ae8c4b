with

cpt_lines as (

    select * from {{ ref('int_exam_cpt_lines') }}

),

final as (

    select
        exam_id,
        category_id,
        count(*)::integer as cpt_line_count,
        min({{ code_order('case when counts_alone then cpt_code end') }})::text
            as deciding_cpt_code
    from cpt_lines
    where is_required
    group by
        exam_id,
        category_id

)

select * from final
