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
        count(case when studies.requirement_status = 'unmapped' then 1 end) as unmapped_studies
    from organizations
    left join studies
        on organizations.organization_code = studies.organization_code
    group by organizations.organization_code

),

-- A site with few studies reaches an extreme ratio by chance, hence the floor.
measured as (

    select
        *,
        required_studies * 1.0 / nullif(not_required_studies, 0) as ratio,
        not_required_studies > 0
        and required_studies + not_required_studies >= {{ var('min_site_studies') }} as is_eligible
    from counted

),

ranked as (

    select
        *,
        row_number() over (
            partition by is_eligible
            order by ratio desc, {{ code_order('organization_code') }}
        ) as eligible_rank
    from measured

),

final as (

    select
        organization_code,
        required_studies::integer as required_studies,
        not_required_studies::integer as not_required_studies,
        unmapped_studies::integer as unmapped_studies,
        ratio::numeric(18, 6) as ratio,
        (required_studies * 1.0 / nullif(required_studies + not_required_studies, 0))::numeric(9, 6)
            as required_share,
        {{ wilson_bound(
            'required_studies', '(required_studies + not_required_studies)', 'low'
        ) }}::numeric(9, 6) as share_low,
        {{ wilson_bound(
            'required_studies', '(required_studies + not_required_studies)', 'high'
        ) }}::numeric(9, 6) as share_high,
        is_eligible and eligible_rank = 1 as is_highest
    from ranked

)

select * from final
