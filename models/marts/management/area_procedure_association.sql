with

judged as (

    select * from {{ ref('int_area_procedures_judged') }}

),

overlapping as (

    select * from {{ ref('int_area_procedures_overlapping') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

-- More places of what is expected would tell how many of each stratum live in a county.
measured as (

    select
        *,
        case when is_exact then round(expected_patients::numeric, 1) end as expected,
        case when is_exact then round(adjusted_residual::numeric, 2) end as residual,
        case when is_exact then crude_expected_patients end as crude_expected,
        case when is_exact then crude_residual end as crude
    from judged

),

-- Exact counts where few are expected would place single patients in counties. Of the other
-- populations every pair has a row, so that a row's presence tells nothing.
final as (

    select
        {{ pseudonym(
            'association',
            "'management'",
            surrogate_key(['measured.population', 'measured.county', 'measured.procedure_code'])
        ) }}::text as association_key,
        measured.population::text as population,
        measured.county::text as county,
        measured.procedure_code::text as procedure_code,
        procedure_names.procedure_name::text as procedure_name,
        case
            when measured.is_exact then measured.observed_patients
            else {{ rounded_count(
                'measured.observed_patients', 'measured.observed_patients', 'measured.is_suppressed'
            ) }}
        end::integer as observed_patients,
        measured.expected::double precision as expected_patients,
        (
            measured.observed_patients / nullif(measured.expected, 0)
        )::double precision as relative_index,
        measured.residual::double precision as adjusted_residual,
        measured.crude_expected::double precision as crude_expected_patients,
        measured.crude::double precision as crude_residual,
        (measured.direction is not null)::boolean as is_notable,
        measured.direction::text as direction,
        overlapping.overlaps_with::text as overlaps_with,
        overlapping.overlap_share::double precision as overlap_share,
        measured.is_suppressed::boolean as is_suppressed,
        measured.is_exact::boolean as is_exact
    from measured
    inner join procedure_names
        on measured.procedure_code = procedure_names.procedure_code
    left join overlapping
        on
            measured.population = overlapping.population
            and measured.county = overlapping.county
            and measured.procedure_code = overlapping.procedure_code
    where
        not measured.is_exact
        or measured.crude_expected_patients >= {{ var('association_min_expected') }}

)

select * from final
