-- What the coverage of schemas extracts and management says is what anybody can count in
-- extracts.encounters. When this breaks, a page tells when patients of payers came whose rows
-- nobody there may see.
with

extract_coverage as (

    select * from {{ ref('extract_coverage') }}

),

management_coverage as (

    select * from {{ ref('management_coverage') }}

),

encounters as (

    select * from {{ ref('extract_encounters') }}

),

counted as (

    select
        min(service_month) as first_encounter_on,
        max(service_month) as last_encounter_on,
        count(*) as encounter_count
    from encounters

),

said as (

    select * from extract_coverage

    union all

    select * from management_coverage

),

final as (

    select
        said.encounter_count,
        counted.encounter_count as counted_count
    from said
    cross join counted
    where
        said.encounter_count <> counted.encounter_count
        or said.first_encounter_on is distinct from counted.first_encounter_on
        or said.last_encounter_on is distinct from counted.last_encounter_on
        or said.as_of is distinct from counted.last_encounter_on

)

select * from final
