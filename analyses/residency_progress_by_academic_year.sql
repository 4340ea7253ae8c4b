-- How far does each academic year of the export carry the group? One row per academic year and
-- category: counted studies, and their percent of minimum × residents who read in that year. A
-- program holds one year of a four-year residency against the quarter that it should bring.
with

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

categories as (

    select * from {{ ref('stg_reference__case_log_categories') }}

),

years as (

    select
        academic_year,
        count(distinct resident_name) as resident_count
    from studies
    group by academic_year

),

counted as (

    select
        studies.academic_year,
        exam_categories.category_id,
        count(*) as completed
    from studies
    inner join exam_categories
        on studies.exam_id = exam_categories.exam_id
    group by
        studies.academic_year,
        exam_categories.category_id

),

final as (

    select
        years.academic_year,
        categories.category_id,
        categories.sort_order,
        years.resident_count,
        coalesce(counted.completed, 0) as completed,
        round(
            100.0 * coalesce(counted.completed, 0)
            / (categories.required_minimum * years.resident_count),
            1
        ) as percent_of_minimums
    from years
    cross join categories
    left join counted
        on
            years.academic_year = counted.academic_year
            and categories.category_id = counted.category_id

)

select * from final
order by
    academic_year asc,
    sort_order asc
