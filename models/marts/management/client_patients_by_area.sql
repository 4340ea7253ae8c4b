with

areas as (

    select * from {{ ref('int_areas_pooled') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

final as (

    select
        {{ pseudonym(
            'area',
            "'management'",
            surrogate_key(['clients.client_id', 'areas.county', 'areas.city'])
        ) }}::text as area_key,
        clients.client_id::text as client_id,
        areas.county::text as county,
        areas.city::text as city,
        {{ rounded_count('areas.first_count', 'areas.first_count', 'areas.is_suppressed') }}
            as patient_count,
        {{ rounded_count('areas.second_count', 'areas.first_count', 'areas.is_suppressed') }}
            as encounter_count,
        areas.is_suppressed::boolean as is_suppressed
    from areas
    inner join clients
        on areas.population = 'of ' || clients.client_id

)

select * from final
