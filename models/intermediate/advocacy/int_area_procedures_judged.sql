with

counted as (

    select * from {{ ref('int_area_procedures_counted') }}

),

-- A procedure's counties add up to a total that restricted_payer_summary shows by the same rule.
lines as (

    select
        population,
        procedure_code,
        procedure_patients,
        sum({{ shown_low('observed_patients') }}) as sum_low,
        sum({{ shown_high('observed_patients') }}) as sum_high,
        max(
            {{ shown_high('observed_patients') }} - {{ shown_low('observed_patients') }}
        ) as widest
    from counted
    where not is_exact
    group by population, procedure_code, procedure_patients

),

hidden_lines as (

    select
        population,
        procedure_code
    from lines
    where
        {{ is_small('procedure_patients') }}
        or not {{ tells_no_more(
            shown_low('procedure_patients'),
            shown_high('procedure_patients'),
            'sum_low',
            'sum_high',
            'widest'
        ) }}

),

expected as (

    select
        *,
        county_patients::double precision / population_patients as county_share,
        procedure_patients::double precision / population_patients as procedure_share
    from counted

),

final as (

    select
        expected.population,
        expected.is_exact,
        expected.county,
        expected.procedure_code,
        expected.observed_patients,
        expected.county_patients::double precision
        * expected.procedure_patients
        / expected.population_patients as expected_patients,
        expected.county_share,
        expected.procedure_share,
        not expected.is_exact
        and (
            hidden_lines.procedure_code is not null
            or {{ is_small('expected.observed_patients') }}
        ) as is_suppressed
    from expected
    left join hidden_lines
        on
            expected.population = hidden_lines.population
            and expected.procedure_code = hidden_lines.procedure_code

)

select * from final
