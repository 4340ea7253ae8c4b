with

cities as (

    select * from {{ ref('int_area_cities_ranked') }}

),

counties as (

    select
        population,
        county,
        sum(first_count) as first_count,
        sum(second_count) as second_count,
        bool_or(county_is_telling) as is_telling,
        coalesce(max(city_rank) filter (where may_end_here), 0) as last_shown_rank
    from cities
    group by population, county

),

judged as (

    select
        *,
        is_telling
        or {{ is_small('first_count') }}
        or (population = 'everybody' and {{ is_small('second_count') }}) as is_suppressed
    from counties

),

city_rows as (

    select
        cities.population,
        cities.county,
        judged.is_suppressed,
        cities.first_count,
        cities.second_count,
        case
            when judged.is_suppressed or judged.last_shown_rank = 0 then 'All cities'
            when cities.city_rank <= judged.last_shown_rank then cities.city
            else 'Other cities'
        end as city
    from cities
    inner join judged
        on
            cities.population = judged.population
            and cities.county = judged.county

),

final as (

    select
        population,
        county,
        null as city,
        first_count,
        second_count,
        is_suppressed
    from judged

    union all

    select
        population,
        county,
        city,
        sum(first_count) as first_count,
        sum(second_count) as second_count,
        is_suppressed
    from city_rows
    group by population, county, city, is_suppressed

)

select * from final
