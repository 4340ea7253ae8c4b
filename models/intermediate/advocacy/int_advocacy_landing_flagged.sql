with

landing as (

    {{ landing_findings('advocacy') }}

),

final as (

    select
        kind,
        subject,
        row_count
    from landing

)

select * from final
