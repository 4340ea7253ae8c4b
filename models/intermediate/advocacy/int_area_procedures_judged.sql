{% set counts = ['observed_patients', 'county_patients', 'procedure_patients'] %}
with

counted as (

    select * from {{ ref('int_area_procedures_counted') }}

),

-- Between which ends a reader knows each count: of exact ones the truth, else what the figure may
-- stand for that the rule for other people's counts makes of it.
bounded as (

    select
        *,
        {% for count in counts %}
        case when is_exact then {{ count }} else {{ shown_low(count) }} end as {{ count }}_low,
        case when is_exact then {{ count }} else {{ shown_high(count) }} end as {{ count }}_high,
        {% endfor %}
        case
            when is_exact then population_patients
            else {{ shown_high('population_patients') }}
        end as population_patients_high,
        county_patients::double precision / population_patients as county_share,
        procedure_patients::double precision / population_patients as procedure_share
    from counted

),

-- A procedure's counties add up to a total that restricted_payer_summary shows by the same rule.
lined_up as (

    select
        *,
        sum(observed_patients_low) over procedures as sum_low,
        sum(observed_patients_high) over procedures as sum_high,
        max(observed_patients_high - observed_patients_low) over procedures as widest
    from bounded
    window procedures as (partition by population, procedure_code)

),

tested as (

    select
        *,
        county_share * procedure_patients as crude_expected_patients,
        sqrt(
            county_share * (1 - county_share) * procedure_patients * (1 - procedure_share)
        ) as crude_deviation,
        sqrt(variance) as deviation,
        -- With both margins at the ends of their figures, so many times as many are expected.
        county_patients_low * procedure_patients_low
        / (county_patients * procedure_patients)::double precision as least_times,
        county_patients_high * procedure_patients_high
        / (county_patients * procedure_patients)::double precision as most_times,
        county_patients_low * procedure_patients_low
        / population_patients_high::double precision as least_crude_expected,
        not is_exact
        and (
            {{ is_small('observed_patients') }}
            or {{ is_small('procedure_patients') }}
            or not {{ tells_no_more(
                'procedure_patients_low', 'procedure_patients_high', 'sum_low', 'sum_high', 'widest'
            ) }}
        ) as is_suppressed
    from lined_up

),

final as (

    select
        population,
        is_exact,
        county,
        procedure_code,
        procedure_patients,
        observed_patients,
        expected_patients,
        (observed_patients - expected_patients) / nullif(deviation, 0) as adjusted_residual,
        crude_expected_patients,
        (observed_patients - crude_expected_patients)
        / nullif(crude_deviation, 0) as crude_residual,
        -- Notable whatever the shown figures stand for: so it tells nothing more of the counts.
        case
            when
                is_suppressed
                or deviation = 0
                or least_crude_expected < {{ var('association_min_expected') }}
                then null
            when
                observed_patients_low - most_times * expected_patients
                >= {{ var('association_z') }} * sqrt(most_times) * deviation
                then 'more'
            when
                least_times * expected_patients - observed_patients_high
                >= {{ var('association_z') }} * sqrt(most_times) * deviation
                then 'less'
        end as direction,
        is_suppressed
    from tested

)

select * from final
