with

judged as (

    select * from {{ ref('int_area_procedures_judged') }}

),

population_procedures as (

    select * from {{ ref('int_population_procedures') }}

),

notable as (

    select * from judged
    where
        is_exact
        and direction is not null

),

-- Sets of very different size cannot be largely the same.
paired as (

    select
        notable.population,
        notable.county,
        notable.procedure_code,
        notable.procedure_patients,
        other_procedures.procedure_code as other_code,
        other_procedures.procedure_patients as other_patients
    from notable
    inner join notable as other_procedures
        on
            notable.population = other_procedures.population
            and notable.county = other_procedures.county
            and notable.procedure_code <> other_procedures.procedure_code
    where
        least(notable.procedure_patients, other_procedures.procedure_patients)
        >= {{ var('association_overlap') }}
        * greatest(notable.procedure_patients, other_procedures.procedure_patients)

),

-- Once for each pair of procedures, in however many counties it is notable.
procedure_pairs as (

    select
        population,
        procedure_code,
        other_code,
        max(procedure_patients + other_patients) as patients_of_each
    from paired
    group by population, procedure_code, other_code

),

-- The share of the patients of either procedure who had both.
measured as (

    select
        procedure_pairs.population,
        procedure_pairs.procedure_code,
        procedure_pairs.other_code,
        count(*)::numeric / (max(procedure_pairs.patients_of_each) - count(*)) as overlap_share
    from procedure_pairs
    inner join population_procedures
        on
            procedure_pairs.population = population_procedures.population
            and procedure_pairs.procedure_code = population_procedures.procedure_code
    inner join population_procedures as other_procedures
        on
            procedure_pairs.population = other_procedures.population
            and procedure_pairs.other_code = other_procedures.procedure_code
            and population_procedures.patient_id = other_procedures.patient_id
    group by
        procedure_pairs.population,
        procedure_pairs.procedure_code,
        procedure_pairs.other_code

),

ranked as (

    select
        paired.*,
        measured.overlap_share,
        row_number() over (
            partition by paired.population, paired.county, paired.procedure_code
            order by measured.overlap_share desc, {{ code_order('paired.other_code') }}
        ) as overlap_rank
    from paired
    inner join measured
        on
            paired.population = measured.population
            and paired.procedure_code = measured.procedure_code
            and paired.other_code = measured.other_code

),

final as (

    select
        population,
        county,
        procedure_code,
        other_code as overlaps_with,
        round(overlap_share, 2)::double precision as overlap_share
    from ranked
    where
        overlap_rank = 1
        and overlap_share >= {{ var('association_overlap') }}

)

select * from final
