-- What a scope's coverage says is what anybody can count in its encounter_extract: the first and
-- the last date, and how many rows. When this breaks, a page tells of encounters that its reader
-- does not see, or keeps quiet about some that it shows.
with

coverage as (

    select * from {{ ref('client_coverage') }}

),

encounters as (

    select * from {{ ref('encounter_extract') }}

),

counted as (

    select
        scope_id,
        client_id,
        min(service_month) as first_encounter_on,
        max(service_month) as last_encounter_on,
        count(*) as encounter_count
    from encounters
    group by scope_id, client_id

),

final as (

    select
        coverage.scope_id,
        counted.scope_id as counted_scope_id,
        coverage.encounter_count,
        counted.encounter_count as counted_count
    from coverage
    full outer join counted
        on
            coverage.scope_id = counted.scope_id
            and coverage.client_id = counted.client_id
    where
        coverage.scope_id is null
        or coverage.encounter_count <> coalesce(counted.encounter_count, 0)
        or coverage.first_encounter_on is distinct from counted.first_encounter_on
        or coverage.last_encounter_on is distinct from counted.last_encounter_on
        or coverage.as_of is distinct from counted.last_encounter_on

)

select * from final
