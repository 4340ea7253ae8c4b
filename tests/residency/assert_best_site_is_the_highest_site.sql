-- best_site_category_ratio has a row for every category, all of the site marked as highest, each
-- dividing by all not-required studies there. A category never read at that site must stay, with 0.
with

categories as (

    select * from {{ ref('stg_reference__case_log_categories') }}

),

sites as (

    select * from {{ ref('site_requirement_ratio') }}

),

category_ratios as (

    select * from {{ ref('best_site_category_ratio') }}

),

highest as (

    select
        organization_code,
        not_required_studies
    from sites
    where is_highest

),

final as (

    select
        categories.category_id,
        category_ratios.organization_code,
        highest.organization_code as highest_organization_code
    from categories
    left join highest
        on true
    left join category_ratios
        on categories.category_id = category_ratios.category_id
    where
        category_ratios.category_id is null
        or category_ratios.organization_code is distinct from highest.organization_code
        or category_ratios.not_required_studies is distinct from highest.not_required_studies
        or (category_ratios.organization_code is not null) <> (category_ratios.ratio is not null)

)

select * from final
