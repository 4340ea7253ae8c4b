with

areas as (

    select * from {{ ref('int_areas_pooled') }}

),

final as (

    select
        {{ pseudonym('area', "'management'", surrogate_key(['county', 'city'])) }}::text
            as area_key,
        county::text as county,
        city::text as city,
        {{ rounded_count('first_count', 'first_count', 'is_suppressed') }}
            as unaffiliated_patient_count,
        {{ rounded_count('second_count', 'second_count', 'is_suppressed') }}
            as client_patient_count,
        is_suppressed::boolean as is_suppressed
    from areas
    where population = 'everybody'

)

select * from final
