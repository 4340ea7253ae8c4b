with

areas as (

    select * from {{ ref('int_areas_pooled') }}

),

living as (

    select * from {{ ref('int_unaffiliated_living') }}

),

final as (

    select
        {{ pseudonym('area', "'management'", surrogate_key(['areas.county', 'areas.city'])) }}::text
            as area_key,
        areas.county::text as county,
        areas.city::text as city,
        {{ rounded_count('areas.first_count', 'areas.first_count', 'areas.is_suppressed') }}
            as unaffiliated_patient_count,
        {{ rounded_count(
            'living.living_count', 'living.living_count',
            'coalesce(living.is_suppressed, true)'
        ) }} as living_unaffiliated_patient_count,
        {{ rounded_count(
            'living.deceased_count', 'living.deceased_count',
            'coalesce(living.is_suppressed, true)'
        ) }} as deceased_unaffiliated_patient_count,
        {{ rounded_count('areas.second_count', 'areas.second_count', 'areas.is_suppressed') }}
            as client_patient_count,
        areas.is_suppressed::boolean as is_suppressed
    from areas
    left join living
        on
            areas.county = living.county
            and areas.city is null
    where areas.population = 'everybody'

)

select * from final
