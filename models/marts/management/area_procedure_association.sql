with

judged as (

    select * from {{ ref('int_area_procedures_judged') }}

),

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

-- Haberman's adjusted residual of a cell of a two-way table; none where a margin is everybody.
measured as (

    select
        *,
        case when is_exact then expected_patients end as expected,
        case when is_exact then observed_patients / expected_patients end as relative_index,
        case
            when is_exact
                then (observed_patients - expected_patients) / nullif(
                    sqrt(expected_patients * (1 - county_share) * (1 - procedure_share)), 0
                )
        end as adjusted_residual
    from judged

),

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
        measured.relative_index::double precision as relative_index,
        measured.adjusted_residual::double precision as adjusted_residual,
        coalesce(
            measured.expected >= {{ var('association_min_expected') }}
            and abs(measured.adjusted_residual) >= {{ var('association_z') }},
            false
        )::boolean as is_notable,
        measured.is_suppressed::boolean as is_suppressed,
        measured.is_exact::boolean as is_exact
    from measured
    inner join procedure_names
        on measured.procedure_code = procedure_names.procedure_code
    -- Exact counts where few are expected would place single patients in counties. Of the other
    -- populations every pair has a row, so that a row's presence tells nothing.
    where
        not measured.is_exact
        or measured.expected >= {{ var('association_min_expected') }}

)

select * from final
