with

client_cities as (

    select * from {{ ref('int_client_cities_counted') }}

),

affiliations as (

    select * from {{ ref('int_affiliation_cities_counted') }}

),

areas_linked as (

    select * from {{ ref('int_areas_linked') }}

),

of_clients as (

    select
        'of ' || client_id as population,
        county,
        city,
        patient_count as first_count,
        encounter_count as second_count,
        patient_count as least_patients,
        {{ is_small('patient_count') }} as is_telling,
        false as county_is_telling
    from client_cities

),

-- Both counts are of patients here, so the smaller one that is not 0 decides.
of_everybody as (

    select
        'everybody' as population,
        affiliations.county,
        affiliations.city,
        affiliations.unaffiliated_patient_count as first_count,
        affiliations.client_patient_count as second_count,
        least(
            affiliations.unaffiliated_patient_count, affiliations.client_patient_count
        ) as least_patients,
        {{ is_small('affiliations.unaffiliated_patient_count') }}
        or {{ is_small('affiliations.client_patient_count') }}
        or cities.is_telling as is_telling,
        counties.is_telling as county_is_telling
    from affiliations
    inner join areas_linked as cities
        on
            affiliations.county = cities.county
            and affiliations.city = cities.city
    inner join areas_linked as counties
        on
            affiliations.county = counties.county
            and counties.city is null

),

final as (

    select * from of_clients

    union all

    select * from of_everybody

)

select * from final
