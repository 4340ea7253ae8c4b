with

encounters_flagged as (

    select * from {{ ref('int_encounters_flagged') }}

),

procedures_flagged as (

    select * from {{ ref('int_procedures_flagged') }}

),

payer_years_flagged as (

    select * from {{ ref('int_payer_years_flagged') }}

),

patients_flagged as (

    select * from {{ ref('int_patients_flagged') }}

),

last_encounters_flagged as (

    select * from {{ ref('int_last_encounters_flagged') }}

),

landing_flagged as (

    select * from {{ ref('int_advocacy_landing_flagged') }}

),

kinds as (

    select * from {{ ref('stg_reference__advocacy_finding_kinds') }}

),

united as (

    select * from encounters_flagged
    union all
    select * from procedures_flagged
    union all
    select * from payer_years_flagged
    union all
    select * from patients_flagged
    union all
    select * from last_encounters_flagged

),

-- Landed records are of all payers together: that there are some may be told, how many may not.
judged as (

    select
        kind,
        subject,
        detail_is_visible as is_shown,
        false as is_suppressed,
        row_count
    from united

    union all

    select
        kind,
        subject,
        true as is_shown,
        true as is_suppressed,
        row_count
    from landing_flagged

),

final as (

    select
        judged.kind,
        judged.subject,
        judged.is_shown,
        judged.is_suppressed,
        judged.row_count::integer as row_count,
        kinds.example_file,
        kinds.detail
    from judged
    left join kinds
        on judged.kind = kinds.kind

)

select * from final
