with

members as (

    select * from {{ ref('int_homes_clustered') }}

),

near_clients as (

    select * from {{ ref('int_clusters_near_clients') }}

),

far_from_clients as (

    select * from {{ ref('int_clusters_far_from_clients') }}

),

cities as (

    select
        component_number,
        city,
        row_number() over (
            partition by component_number
            order by count(*) desc, {{ code_order('city') }}
        ) as city_rank
    from members
    where city is not null
    group by component_number, city

),

sized as (

    select
        component_number,
        count(*) as member_count,
        round(avg(latitude)::numeric, 2) as centroid_latitude,
        round(avg(longitude)::numeric, 2) as centroid_longitude
    from members
    group by component_number
    having count(*) >= greatest({{ var('cluster_min_patients') }}, {{ var('min_cell_size') }})

),

measured as (

    select
        sized.component_number,
        sized.member_count,
        sized.centroid_latitude,
        sized.centroid_longitude,
        cities.city as main_city,
        coalesce(near_clients.client_count, 0) as client_count,
        coalesce(near_clients.near_member_count, 0) as near_member_count,
        coalesce(near_clients.nearest_km, far_from_clients.nearest_km) as nearest_km
    from sized
    left join cities
        on
            sized.component_number = cities.component_number
            and cities.city_rank = 1
    left join near_clients
        on sized.component_number = near_clients.component_number
    left join far_from_clients
        on sized.component_number = far_from_clients.component_number

),

shown as (

    select
        *,
        {{ rounded_count('member_count', 'member_count') }} as patient_count,
        {{ rounded_count('client_count', 'client_count') }} as client_patients_nearby
    from measured

),

final as (

    select
        -- Numbered by what is shown, so that the order tells no more than that does.
        (
            'cluster-' || lpad((
                row_number() over (
                    order by
                        patient_count desc,
                        centroid_latitude asc,
                        centroid_longitude asc,
                        component_number asc
                )
            )::text, 3, '0')
        )::text as cluster_id,
        patient_count::integer as patient_count,
        centroid_latitude::double precision as centroid_latitude,
        centroid_longitude::double precision as centroid_longitude,
        main_city::text as main_city,
        case
            when not {{ is_small('client_count') }}
                then ceil(nearest_km::numeric / 0.25) * 0.25
        end::numeric(9, 2) as nearest_client_patient_km,
        client_patients_nearby::integer as client_patients_nearby,
        case
            when not {{ is_small('client_count') }}
                then round(near_member_count::numeric / member_count * 4) / 4
        end::numeric(9, 6) as near_share,
        (client_count > 0)::boolean as is_near_clients
    from shown

)

select * from final
