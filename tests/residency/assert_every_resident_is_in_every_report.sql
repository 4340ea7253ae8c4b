-- Every distinct name in the export has its row in each report by resident, also the name of a
-- resident none of whose studies counts. An inner join somewhere would make such residents vanish,
-- who are the very ones that the programme must see.
with

residents as (

    select * from {{ ref('int_residents') }}

),

totals as (

    select * from {{ ref('case_log_totals') }}

),

percentages as (

    select * from {{ ref('case_log_percentages') }}

),

statuses as (

    select * from {{ ref('case_log_status') }}

),

rvus as (

    select * from {{ ref('rvu_by_requirement') }}

),

final as (

    select residents.resident_name
    from residents
    left join totals
        on residents.resident_name = totals.resident_name
    left join percentages
        on residents.resident_name = percentages.resident_name
    left join statuses
        on residents.resident_name = statuses.resident_name
    left join rvus
        on residents.resident_name = rvus.resident_name
    where
        totals.resident_name is null
        or percentages.resident_name is null
        or statuses.resident_name is null
        or rvus.resident_name is null

)

select * from final
