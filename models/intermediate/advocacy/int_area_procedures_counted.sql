with

population_procedures as (

    select * from {{ ref('int_population_procedures') }}

),

population_patients as (

    select * from {{ ref('int_population_patients') }}

),

expected as (

    select * from {{ ref('int_area_procedures_expected') }}

),

county_totals as (

    select
        population,
        area as county,
        count(*) as county_patients,
        sum(count(*)) over (partition by population)::bigint as population_patients
    from population_patients
    group by population, area

),

observed as (

    select
        population_patients.population,
        population_procedures.is_exact,
        population_patients.area as county,
        population_procedures.procedure_code,
        count(*) as observed_patients
    from population_patients
    inner join population_procedures
        on
            population_patients.population = population_procedures.population
            and population_patients.patient_id = population_procedures.patient_id
    group by
        population_patients.population,
        population_procedures.is_exact,
        population_patients.area,
        population_procedures.procedure_code

),

procedure_totals as (

    select
        population,
        is_exact,
        procedure_code,
        sum(observed_patients)::bigint as procedure_patients
    from observed
    group by population, is_exact, procedure_code

),

-- Every pair has a row, so that a row's presence tells nothing.
final as (

    select
        procedure_totals.population,
        procedure_totals.is_exact,
        county_totals.county,
        procedure_totals.procedure_code,
        county_totals.population_patients,
        county_totals.county_patients,
        procedure_totals.procedure_patients,
        coalesce(observed.observed_patients, 0) as observed_patients,
        coalesce(expected.expected_patients, 0) as expected_patients,
        coalesce(expected.variance, 0) as variance
    from procedure_totals
    inner join county_totals
        on procedure_totals.population = county_totals.population
    left join observed
        on
            procedure_totals.population = observed.population
            and procedure_totals.procedure_code = observed.procedure_code
            and county_totals.county = observed.county
    left join expected
        on
            procedure_totals.population = expected.population
            and procedure_totals.procedure_code = expected.procedure_code
            and county_totals.county = expected.county

)

select * from final
