with

had as (

    select * from {{ ref('int_population_procedures') }}

),

counties as (

    select
        population,
        county,
        count(distinct patient_id) as patient_count
    from had
    group by population, county

),

-- Patients of all smaller counties, those with the fewest first.
ranked as (

    select
        *,
        coalesce(
            sum(patient_count) over (
                partition by population
                order by patient_count, {{ code_order('county') }}
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as smaller_count
    from counties

),

-- Where all small ones together are few, the next is pooled with them.
pooled as (

    select
        population,
        county,
        patient_count,
        case
            when {{ is_small('patient_count') }} or {{ is_small('smaller_count') }}
                then 'Other counties'
            else county
        end as area
    from ranked

),

areas as (

    select
        population,
        area,
        sum(patient_count) as patient_count
    from pooled
    group by population, area

),

final as (

    select
        pooled.population,
        pooled.county,
        pooled.area,
        areas.patient_count as area_patients
    from pooled
    inner join areas
        on
            pooled.population = areas.population
            and pooled.area = areas.area
    where not {{ is_small('areas.patient_count') }}

)

select * from final
