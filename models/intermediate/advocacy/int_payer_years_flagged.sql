with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

-- Who stands for no insurance covers nothing, which is no finding.
described as (

    select
        paid_encounters.payer_name,
        paid_encounters.detail_is_visible,
        extract(year from {{ time_in_zone('encounters.started_at', 'UTC') }})::integer
            as service_year,
        encounters.claim_cost,
        encounters.payer_coverage_cost
    from paid_encounters
    inner join encounters
        on paid_encounters.encounter_id = encounters.encounter_id
    where paid_encounters.is_insured

),

years_with_claims as (

    select
        payer_name,
        detail_is_visible,
        service_year,
        count(*) as encounter_count,
        sum(payer_coverage_cost) = 0 as is_uncovered
    from described
    group by
        payer_name,
        detail_is_visible,
        service_year
    having sum(claim_cost) > 0

),

-- Years that follow one another have the same difference of the two numbers.
numbered as (

    select
        *,
        row_number() over (partition by payer_name order by service_year) as year_number,
        row_number() over (
            partition by payer_name, is_uncovered
            order by service_year
        ) as number_among_alike
    from years_with_claims

),

spans as (

    select
        payer_name,
        detail_is_visible,
        min(service_year) as first_year,
        max(service_year) as last_year,
        sum(encounter_count)::bigint as row_count
    from numbered
    where is_uncovered
    group by
        payer_name,
        detail_is_visible,
        year_number - number_among_alike

),

final as (

    select
        'uncovered_years' as kind,
        payer_name || ', ' || first_year::text
        || case when last_year > first_year then ' to ' || last_year::text else '' end as subject,
        detail_is_visible,
        row_count
    from spans

)

select * from final
