with

paid_encounters as (

    select * from {{ ref('int_encounters_paid') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

priced as (

    select
        procedures.procedure_code,
        paid_encounters.detail_is_visible,
        coalesce(procedures.procedure_cost, 0) as procedure_cost
    from procedures
    inner join paid_encounters
        on procedures.encounter_id = paid_encounters.encounter_id

),

-- Who reads the extracts can compute the average: costs rounded by it tell nothing of it.
final as (

    select
        procedure_code,
        round(avg(case when detail_is_visible then procedure_cost end), 2)::numeric(18, 2)
            as average_price,
        min(case when not detail_is_visible then procedure_cost end)::numeric(18, 2)
            as lowest_price,
        max(case when not detail_is_visible then procedure_cost end)::numeric(18, 2)
            as highest_price
    from priced
    group by grouping sets ((procedure_code), ())

)

select * from final
