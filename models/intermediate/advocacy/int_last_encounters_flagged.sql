{%- set written = {'year': 4, 'month': 7, 'day': 10}[var('service_date_precision')] -%}
with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

-- No finer than rows of single encounters are: the last one is somebody's.
dated as (

    select
        detail_is_visible,
        {{ service_date('started_at') }} as service_date
    from paid_encounters

),

last_dates as (

    select
        detail_is_visible,
        max(service_date) as service_date
    from dated
    group by detail_is_visible

),

final as (

    select
        'last_encounter' as kind,
        'Until ' || left(dated.service_date::text, {{ written }}) as subject,
        dated.detail_is_visible,
        count(*) as row_count
    from dated
    inner join last_dates
        on
            dated.detail_is_visible = last_dates.detail_is_visible
            and dated.service_date = last_dates.service_date
    group by
        dated.service_date,
        dated.detail_is_visible

)

select * from final
