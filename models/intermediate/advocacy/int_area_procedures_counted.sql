with

population_procedures as (

    select * from {{ ref('int_population_procedures') }}

),

population_patients as (

    select * from {{ ref('int_population_patients') }}

),

area_strata as (

    select
        population,
        stratum,
        area as county,
        count(*)::double precision as area_patients,
        sum(count(*)) over (
            partition by population, stratum
        )::double precision as all_patients,
        sum(count(*)) over (partition by population) as population_patients
    from population_patients
    group by population, stratum, area

),

observed_strata as (

    select
        population_patients.population,
        population_procedures.is_exact,
        population_patients.stratum,
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
        population_patients.stratum,
        population_patients.area,
        population_procedures.procedure_code

),

procedure_strata as (

    select
        population,
        stratum,
        procedure_code,
        sum(observed_patients) as procedure_patients
    from observed_strata
    group by population, stratum, procedure_code

),

totals as (

    select
        population,
        is_exact,
        procedure_code,
        sum(observed_patients) as procedure_patients
    from observed_strata
    group by population, is_exact, procedure_code

),

-- Of a stratum the hypergeometric distribution says what to expect, all margins given. Rounded,
-- since sums of floats depend on their order. Every pair has a row: its presence tells nothing.
final as (

    select
        totals.population,
        totals.is_exact,
        area_strata.county,
        totals.procedure_code,
        max(area_strata.population_patients)::bigint as population_patients,
        sum(area_strata.area_patients)::bigint as county_patients,
        max(totals.procedure_patients)::bigint as procedure_patients,
        sum(coalesce(observed_strata.observed_patients, 0))::bigint as observed_patients,
        round(sum(
            area_strata.area_patients * coalesce(procedure_strata.procedure_patients, 0)
            / area_strata.all_patients
        )::numeric, 6)::double precision as expected_patients,
        round(sum(
            area_strata.area_patients * (area_strata.all_patients - area_strata.area_patients)
            * coalesce(procedure_strata.procedure_patients, 0)
            * (area_strata.all_patients - coalesce(procedure_strata.procedure_patients, 0))
            / area_strata.all_patients ^ 2 / greatest(area_strata.all_patients - 1, 1)
        )::numeric, 6)::double precision as variance
    from totals
    inner join area_strata
        on totals.population = area_strata.population
    left join procedure_strata
        on
            area_strata.population = procedure_strata.population
            and area_strata.stratum = procedure_strata.stratum
            and totals.procedure_code = procedure_strata.procedure_code
    left join observed_strata
        on
            area_strata.population = observed_strata.population
            and area_strata.stratum = observed_strata.stratum
            and area_strata.county = observed_strata.county
            and totals.procedure_code = observed_strata.procedure_code
    group by totals.population, totals.is_exact, area_strata.county, totals.procedure_code

)

select * from final
