with

affiliations as (

    select * from {{ ref('int_affiliation_cities_counted') }}

),

client_cities as (

    select * from {{ ref('int_client_cities_counted') }}

),

visible_counts as (

    select * from {{ ref('int_visible_patients_counted') }}

),

-- A county is an area without a city.
areas as (

    select
        county,
        city,
        sum(unaffiliated_patient_count) as unaffiliated_count,
        sum(client_patient_count) as client_count
    from affiliations
    group by grouping sets ((county), (county, city))

),

client_areas as (

    select
        client_id,
        county,
        city,
        sum(patient_count) as patient_count
    from client_cities
    group by grouping sets ((client_id, county), (client_id, county, city))

),

client_sums as (

    select
        county,
        city,
        sum({{ shown_high('patient_count') }}) as sum_high,
        max({{ shown_high('patient_count') }} - {{ shown_low('patient_count') }}) as widest
    from client_areas
    group by county, city

),

bounded as (

    select
        areas.county,
        areas.city,
        {{ shown_low('areas.unaffiliated_count') }} as unaffiliated_low,
        {{ shown_high('areas.unaffiliated_count') }} as unaffiliated_high,
        {{ shown_low('areas.client_count') }} as client_low,
        {{ shown_high('areas.client_count') }} as client_high,
        coalesce(client_sums.sum_high, 0) as sum_high,
        coalesce(client_sums.widest, 0) as widest,
        coalesce(visible_counts.visible_count, 0) as visible_count
    from areas
    left join client_sums
        on
            areas.county = client_sums.county
            and areas.city is not distinct from client_sums.city
    left join visible_counts
        on
            areas.county = visible_counts.county
            and areas.city is null

),

final as (

    select
        county,
        city,
        -- Patients of any client are at most those of all clients together, and visible patients at
        -- most those of the area: a figure near the edge would tell of the others.
        client_low > sum_high - widest
        or client_high > sum_high
        or visible_count > least(
            unaffiliated_low + client_high, unaffiliated_high + client_low
        ) as is_telling
    from bounded

)

select * from final
