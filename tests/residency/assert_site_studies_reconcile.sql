-- A site's required, not-required and unmapped studies are those of fct_studies, and every site has
-- its row. A study at an unknown site, or one counted under two statuses, breaks this.
with

sites as (

    select * from {{ ref('site_requirement_ratio') }}

),

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

studies as (

    select * from {{ ref('fct_studies') }}

),

counted as (

    select
        organization_code,
        sum(case when requirement_status = 'required' then 1 else 0 end) as required_studies,
        sum(case when requirement_status = 'not_required' then 1 else 0 end)
            as not_required_studies,
        count(*) as study_count
    from studies
    group by organization_code

),

expected as (

    select
        organizations.organization_code,
        coalesce(counted.required_studies, 0) as required_studies,
        coalesce(counted.not_required_studies, 0) as not_required_studies,
        coalesce(counted.study_count, 0) as study_count
    from organizations
    full outer join counted
        on organizations.organization_code = counted.organization_code

),

final as (

    select
        coalesce(expected.organization_code, sites.organization_code) as organization_code,
        expected.study_count,
        sites.required_studies,
        sites.not_required_studies,
        sites.unmapped_studies
    from expected
    full outer join sites
        on expected.organization_code = sites.organization_code
    where
        expected.organization_code is null
        or sites.organization_code is null
        or expected.required_studies <> sites.required_studies
        or expected.not_required_studies <> sites.not_required_studies
        or expected.study_count
        <> sites.required_studies + sites.not_required_studies + sites.unmapped_studies

)

select * from final
