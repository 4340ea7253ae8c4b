with

landing as (

    {{ landing_findings('residency') }}

),

final as (

    select
        kind as finding,
        subject,
        row_count as study_count,
        'Landed records: ' || reason || '.' as detail
    from landing

)

select * from final
