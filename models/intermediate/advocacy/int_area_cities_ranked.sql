with

cities as (

    select * from {{ ref('int_area_cities_counted') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by population, county
            order by least_patients desc, {{ code_order('city') }} asc
        ) as city_rank,
        sum(first_count) over (partition by population, county) as county_first,
        sum(second_count) over (partition by population, county) as county_second,
        {{ shown_low('first_count') }} as first_low,
        {{ shown_high('first_count') }} as first_high,
        {{ shown_low('second_count') }} as second_low,
        {{ shown_high('second_count') }} as second_high
    from cities

),

-- What a county's first cities, up to each rank, add up to.
summed as (

    select
        *,
        bool_or(is_telling) over prefixes as any_is_telling,
        sum(first_count) over prefixes as first_so_far,
        sum(second_count) over prefixes as second_so_far,
        sum(first_low) over prefixes as first_low_so_far,
        sum(first_high) over prefixes as first_high_so_far,
        max(first_high - first_low) over prefixes as first_widest,
        sum(second_low) over prefixes as second_low_so_far,
        sum(second_high) over prefixes as second_high_so_far,
        max(second_high - second_low) over prefixes as second_widest
    from ranked
    window prefixes as (
        partition by population, county
        order by city_rank asc
        rows between unbounded preceding and current row
    )

),

with_rest as (

    select
        *,
        county_first - first_so_far as first_rest,
        county_second - second_so_far as second_rest
    from summed

),

final as (

    select
        population,
        county,
        city,
        city_rank,
        first_count,
        second_count,
        is_telling,
        county_is_telling,
        -- Whether this city and those before it may stand by themselves, the rest in one row.
        not any_is_telling
        and not {{ is_small('first_rest') }}
        and not (population = 'everybody' and {{ is_small('second_rest') }})
        and {{ tells_no_more(
            shown_low('county_first'),
            shown_high('county_first'),
            'first_low_so_far + ' ~ shown_low('first_rest'),
            'first_high_so_far + ' ~ shown_high('first_rest'),
            'greatest(first_widest, ' ~ shown_high('first_rest') ~ ' - ' ~ shown_low('first_rest') ~ ')'
        ) }}
        and {{ tells_no_more(
            shown_low('county_second'),
            shown_high('county_second'),
            'second_low_so_far + ' ~ shown_low('second_rest'),
            'second_high_so_far + ' ~ shown_high('second_rest'),
            'greatest(second_widest, ' ~ shown_high('second_rest') ~ ' - '
            ~ shown_low('second_rest') ~ ')'
        ) }} as may_end_here
    from with_rest

)

select * from final
