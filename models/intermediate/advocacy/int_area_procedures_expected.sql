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
        )::double precision as all_patients
    from population_patients
    group by population, stratum, area

),

procedure_strata as (

    select
        population_patients.population,
        population_patients.stratum,
        population_procedures.procedure_code,
        count(*)::double precision as procedure_patients
    from population_patients
    inner join population_procedures
        on
            population_patients.population = population_procedures.population
            and population_patients.patient_id = population_procedures.patient_id
    group by
        population_patients.population,
        population_patients.stratum,
        population_procedures.procedure_code

),

-- Of a stratum the hypergeometric distribution says what to expect, all margins given. Rounded,
-- since sums of floats depend on their order.
final as (

    select
        area_strata.population,
        area_strata.county,
        procedure_strata.procedure_code,
        round(sum(
            area_strata.area_patients * procedure_strata.procedure_patients
            / area_strata.all_patients
        )::numeric, 6)::double precision as expected_patients,
        round(sum(
            area_strata.area_patients * (area_strata.all_patients - area_strata.area_patients)
            * procedure_strata.procedure_patients
            * (area_strata.all_patients - procedure_strata.procedure_patients)
            / area_strata.all_patients ^ 2 / greatest(area_strata.all_patients - 1, 1)
        )::numeric, 6)::double precision as variance
    from area_strata
    inner join procedure_strata
        on
            area_strata.population = procedure_strata.population
            and area_strata.stratum = procedure_strata.stratum
    group by area_strata.population, area_strata.county, procedure_strata.procedure_code

)

select * from final
