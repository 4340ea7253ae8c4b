with

organizations as (

    select * from {{ ref('stg_residency__organizations') }}

),

studies as (

    select * from {{ ref('int_studies_classified') }}

),

counted as (

    select
        organizations.organization_code,
        count(case when studies.requirement_status = 'required' then 1 end) as required_studies,
        count(case when studies.requirement_status = 'not_required' then 1 end)
            as not_required_studies,
        count(case when studies.requirement_status = 'unmapped' then 1 end) as unmapped_studies,
        coalesce(sum(studies.required_rvu), 0) as required_rvu,
        coalesce(sum(studies.not_required_rvu), 0) as not_required_rvu
    from organizations
    left join studies
        on organizations.organization_code = studies.organization_code
    group by organizations.organization_code

),

-- A site with few studies reaches an extreme ratio by chance, hence the floor.
measured as (

    select
        *,
        required_studies * 1.0 / nullif(required_studies + not_required_studies, 0)
            as required_share,
        {{ var('min_site_studies') }} as min_site_studies,
        required_studies + not_required_studies >= {{ var('min_site_studies') }} as is_above_floor
    from counted

),

-- By share, which has the order of the ratio and is 1 where the ratio has no divisor: a site with
-- nothing but required studies is the highest of all.
ranked as (

    select
        *,
        row_number() over (
            partition by is_above_floor
            order by coalesce(required_share, -1) desc, {{ code_order('organization_code') }}
        ) as place
    from measured

),

final as (

    select
        organization_code,
        required_studies::integer as required_studies,
        not_required_studies::integer as not_required_studies,
        unmapped_studies::integer as unmapped_studies,
        (required_studies * 1.0 / nullif(not_required_studies, 0))::numeric(18, 6) as ratio,
        required_share::numeric(9, 6) as required_share,
        {{ wilson_bound(
            'required_studies', '(required_studies + not_required_studies)', 'low'
        ) }}::numeric(9, 6) as share_low,
        {{ wilson_bound(
            'required_studies', '(required_studies + not_required_studies)', 'high'
        ) }}::numeric(9, 6) as share_high,
        required_rvu::numeric(14, 4) as required_rvu,
        not_required_rvu::numeric(14, 4) as not_required_rvu,
        (required_rvu / nullif(not_required_rvu, 0))::numeric(18, 6) as rvu_ratio,
        min_site_studies::integer as min_site_studies,
        is_above_floor,
        is_above_floor and required_share is not null and place = 1 as is_highest
    from ranked

)

select * from final
