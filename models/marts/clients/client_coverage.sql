{{ config(alias='coverage') }}

with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

final as (

    select
        scopes.scope_id::text as scope_id,
        scopes.client_id::text as client_id,
        '{{ var("advocacy_source") }}'::text as source,
        '{{ var("service_date_precision") }}'::text as date_precision,
        min(encounters.service_on)::date as first_encounter_on,
        max(encounters.service_on)::date as last_encounter_on,
        count(encounters.encounter_id)::integer as encounter_count,
        max(encounters.service_on)::date as as_of
    from scopes
    left join encounters
        on scopes.scope_id = encounters.scope_id
    group by scopes.scope_id, scopes.client_id

)

select * from final
