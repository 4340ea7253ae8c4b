with

population_procedures as (

    select * from {{ ref('int_population_procedures') }}

),

populations as (

    select * from {{ ref('int_populations') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

living as (

    select
        population,
        patient_id,
        county,
        count(*) over (partition by population, county) as county_patients
    from population_procedures
    group by population, patient_id, county

),

-- Patients of all smaller counties: of those up to this one, less its own.
ranked as (

    select
        *,
        count(*) over (
            partition by population
            order by county_patients, {{ code_order('county') }}
            range between unbounded preceding and current row
        ) - county_patients as smaller_count
    from living

),

-- Where all small ones together are few, the next is pooled with them.
pooled as (

    select
        population,
        patient_id,
        case
            when {{ is_small('county_patients') }} or {{ is_small('smaller_count') }}
                then 'Other counties'
            else county
        end as area
    from ranked

),

sized as (

    select
        *,
        count(*) over (partition by population, area) as area_patients
    from pooled

),

encountered as (

    select
        populations.population,
        encounters.patient_id,
        count(*) as encounter_count,
        max(encounters.started_at) as last_started_at
    from populations
    inner join encounters
        on populations.payer_id = encounters.payer_id
    group by populations.population, encounters.patient_id

),

final as (

    select
        sized.population,
        sized.patient_id,
        sized.area,
        {{ age_band(
            'patients.born_on', time_in_zone('encountered.last_started_at', 'UTC') ~ '::date'
        ) }} || ' years, ' || case
            {% for least in var('association_encounters') | sort(reverse=true) %}
            when encountered.encounter_count >= {{ least }} then '{{ least }} or more encounters'
            {% endfor %}
            else 'fewer encounters'
        end as stratum
    from sized
    inner join encountered
        on
            sized.population = encountered.population
            and sized.patient_id = encountered.patient_id
    inner join patients
        on sized.patient_id = patients.patient_id
    where not {{ is_small('sized.area_patients') }}

)

select * from final
