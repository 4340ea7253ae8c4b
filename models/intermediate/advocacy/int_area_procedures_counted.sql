with

population_procedures as (

    select * from {{ ref('int_population_procedures') }}

),

counties as (

    select * from {{ ref('int_population_counties') }}

),

had as (

    select
        population_procedures.population,
        population_procedures.is_exact,
        population_procedures.patient_id,
        population_procedures.procedure_code,
        counties.area as county
    from population_procedures
    inner join counties
        on
            population_procedures.population = counties.population
            and population_procedures.county = counties.county

),

population_totals as (

    select
        population,
        bool_and(is_exact) as is_exact,
        count(distinct patient_id) as population_patients
    from had
    group by population

),

county_totals as (

    select
        population,
        county,
        count(distinct patient_id) as county_patients
    from had
    group by population, county

),

procedure_totals as (

    select
        population,
        procedure_code,
        count(*) as procedure_patients
    from had
    group by population, procedure_code

),

observed as (

    select
        population,
        county,
        procedure_code,
        count(*) as observed_patients
    from had
    group by population, county, procedure_code

),

-- Every pair has a row, so that a row's presence tells nothing.
final as (

    select
        population_totals.population,
        population_totals.is_exact,
        county_totals.county,
        procedure_totals.procedure_code,
        population_totals.population_patients,
        county_totals.county_patients,
        procedure_totals.procedure_patients,
        coalesce(observed.observed_patients, 0) as observed_patients
    from population_totals
    inner join county_totals
        on population_totals.population = county_totals.population
    inner join procedure_totals
        on population_totals.population = procedure_totals.population
    left join observed
        on
            population_totals.population = observed.population
            and county_totals.county = observed.county
            and procedure_totals.procedure_code = observed.procedure_code

)

select * from final
