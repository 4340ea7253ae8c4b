{{ config(alias='data_findings') }}

with

findings as (

    select * from {{ ref('int_advocacy_findings_gathered') }}

),

final as (

    select
        {{ pseudonym('finding', "'management'", surrogate_key(['kind', 'subject'])) }}::text
            as finding_key,
        kind::text as kind,
        subject::text as subject,
        case when not is_suppressed then row_count end::integer as row_count,
        is_suppressed::boolean as is_suppressed,
        example_file::text as example_file,
        detail::text as detail
    from findings
    where is_shown

)

select * from final
