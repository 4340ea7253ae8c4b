with

homes as (

    select * from {{ ref('int_homes_shuffled') }}

),

judged as (

    select * from {{ ref('int_homes_near_by_chance') }}

),

pairs as (

    select * from {{ ref('int_home_pairs') }}

),

-- In a full cell every unaffiliated home is core, so that these are all in cells that look around.
near_homes as (

    select
        radius_km,
        home_number
    from judged
    where is_near and not is_core

),

border_homes as (

    select
        near_homes.radius_km,
        near_homes.home_number
    from near_homes
    inner join pairs
        on near_homes.home_number = pairs.home_a
    inner join judged as neighbours
        on
            pairs.home_b = neighbours.home_number
            and near_homes.radius_km = neighbours.radius_km
    where
        pairs.distance_km <= near_homes.radius_km
        and neighbours.is_core
    group by near_homes.radius_km, near_homes.home_number

),

final as (

    select
        near_homes.radius_km,
        homes.patient_id
    from near_homes
    inner join homes
        on near_homes.home_number = homes.home_number
    left join border_homes
        on
            near_homes.radius_km = border_homes.radius_km
            and near_homes.home_number = border_homes.home_number
    where border_homes.home_number is null

)

select * from final
