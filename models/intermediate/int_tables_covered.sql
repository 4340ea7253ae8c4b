with

studies as (

    select * from {{ ref('stg_residency__studies') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

records as (

    select
        'residency' as domain_name,
        'studies' as table_name,
        finalized_at as took_place_at,
        -- What an attending read alone is no study of the residency.
        resident_name is not null as is_counted
    from studies

    union all

    select
        'advocacy' as domain_name,
        'encounters' as table_name,
        started_at as took_place_at,
        true as is_counted
    from encounters

    union all

    select
        'advocacy' as domain_name,
        'procedures' as table_name,
        started_at as took_place_at,
        true as is_counted
    from procedures

),

reached as (

    select
        domain_name,
        table_name,
        min(case when is_counted then took_place_at end) as first_at,
        max(case when is_counted then took_place_at end) as last_at,
        max(took_place_at) as last_delivered_at
    from records
    group by domain_name, table_name

),

final as (

    select
        domain_name::text as domain_name,
        table_name::text as table_name,
        first_at::timestamptz as first_at,
        last_at::timestamptz as last_at,
        last_delivered_at::timestamptz as last_delivered_at
    from reached

)

select * from final
