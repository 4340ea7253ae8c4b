with

cells as (

    select * from {{ ref('int_restricted_payer_cells') }}

),

parts as (

    select
        'procedures' as part_kind,
        payer_name,
        period_kind,
        period_start,
        null as procedure_code,
        patient_count,
        procedure_count,
        smallest_count
    from cells
    where procedure_code is not null

    union all

    select
        'months' as part_kind,
        payer_name,
        'year' as period_kind,
        date_trunc('year', period_start)::date as period_start,
        procedure_code,
        patient_count,
        procedure_count,
        smallest_count
    from cells
    where period_kind = 'month'

    union all

    select
        'years' as part_kind,
        payer_name,
        'all' as period_kind,
        null::date as period_start,
        procedure_code,
        patient_count,
        procedure_count,
        smallest_count
    from cells
    where period_kind = 'year'

),

bounded as (

    select
        *,
        {{ shown_low('patient_count') }} as patients_low,
        {{ shown_high('patient_count') }} as patients_high,
        -- There is a procedure in each of the smallest rows.
        case
            when {{ is_small('patient_count') }} then smallest_count
            else greatest({{ shown_low('procedure_count') }}, smallest_count)
        end as procedures_low
    from parts

),

final as (

    select
        {{ surrogate_key(['payer_name', 'period_kind', 'period_start', 'procedure_code']) }}
            as cell_id,
        part_kind,
        sum(patients_high) as sum_high,
        max(patients_high - patients_low) as widest,
        sum(procedures_low) as procedures_low,
        -- A suppressed part has to look as if one of its smallest rows could have as many patients
        -- as a suppressed row may have, and another as if it could have as many as it shows.
        max(
            case
                when {{ is_small('patient_count') }} then {{ var('min_cell_size') - 2 }}
                else patients_high - procedures_low
            end
        ) as room_needed
    from bounded
    group by payer_name, period_kind, period_start, procedure_code, part_kind

)

select * from final
