with

affiliations as (

    select * from {{ ref('int_affiliation_cities_counted') }}

),

areas as (

    select * from {{ ref('int_areas_pooled') }}

),

deceased as (

    select
        county,
        sum(deceased_unaffiliated_count) as deceased_count
    from affiliations
    group by county

),

counties as (

    select
        areas.county,
        areas.is_suppressed,
        areas.first_count as all_count,
        areas.first_count - deceased.deceased_count as living_count,
        deceased.deceased_count
    from areas
    inner join deceased
        on areas.county = deceased.county
    where
        areas.population = 'everybody'
        and areas.city is null

),

bounded as (

    select
        *,
        {{ shown_low('all_count') }} as all_low,
        {{ shown_high('all_count') }} as all_high,
        {{ shown_low('living_count') }} as living_low,
        {{ shown_high('living_count') }} as living_high,
        {{ shown_low('deceased_count') }} as deceased_low,
        {{ shown_high('deceased_count') }} as deceased_high
    from counties

),

final as (

    select
        county,
        living_count,
        deceased_count,
        is_suppressed
        or {{ is_small('living_count') }}
        or {{ is_small('deceased_count') }}
        or not {{ tells_no_more(
            'all_low',
            'all_high',
            '(living_low + deceased_low)',
            '(living_high + deceased_high)',
            'greatest(living_high - living_low, deceased_high - deceased_low)'
        ) }} as is_suppressed
    from bounded

)

select * from final
