with

categories as (

    select * from {{ ref('stg_reference__case_log_categories') }}

),

sites as (

    select * from {{ ref('site_requirement_ratio') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

exam_categories as (

    select * from {{ ref('int_exam_categories') }}

),

best_site as (

    select
        organization_code,
        not_required_studies
    from sites
    where is_highest

),

counted as (

    select
        best_site.organization_code,
        exam_categories.category_id,
        count(*) as category_studies
    from best_site
    inner join studies
        on best_site.organization_code = studies.organization_code
    inner join exam_categories
        on studies.exam_id = exam_categories.exam_id
    group by
        best_site.organization_code,
        exam_categories.category_id

),

-- All categories stay, also those never read at that site and, when no site qualifies, all without
-- one.
final as (

    select
        best_site.organization_code,
        categories.category_id,
        categories.category_name,
        case
            when best_site.organization_code is not null then coalesce(counted.category_studies, 0)
        end::integer as category_studies,
        best_site.not_required_studies,
        case
            when best_site.organization_code is not null
                then
                    coalesce(counted.category_studies, 0) * 1.0
                    / nullif(best_site.not_required_studies, 0)
        end::numeric(18, 6) as ratio
    from categories
    left join best_site
        on true
    left join counted
        on categories.category_id = counted.category_id

)

select * from final
