with

residents as (

    select * from {{ ref('int_residents') }}

),

categories as (

    select * from {{ ref('stg_reference__case_log_categories') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

counted as (

    select
        studies.resident_name,
        exam_categories.category_id,
        count(*) as completed
    from studies
    inner join exam_categories
        on studies.exam_id = exam_categories.exam_id
    group by
        studies.resident_name,
        exam_categories.category_id

),

-- Every resident meets every category, so that nobody vanishes for want of a counted study.
complete as (

    select
        residents.resident_name,
        categories.category_id,
        categories.category_name,
        categories.sort_order,
        categories.required_minimum,
        coalesce(counted.completed, 0) as completed
    from residents
    cross join categories
    left join counted
        on
            residents.resident_name = counted.resident_name
            and categories.category_id = counted.category_id

),

final as (

    select
        resident_name,
        category_id,
        category_name,
        sort_order,
        completed::integer as completed,
        required_minimum,
        (100.0 * completed / required_minimum)::numeric(18, 6) as percent_of_minimum,
        least(completed, required_minimum)::integer as credited,
        greatest(completed - required_minimum, 0)::integer as surplus,
        greatest(required_minimum - completed, 0)::integer as remaining,
        completed >= required_minimum as is_met
    from complete

)

select * from final
