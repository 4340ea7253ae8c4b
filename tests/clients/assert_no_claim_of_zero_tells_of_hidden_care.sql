{{ config(severity='warn') }}

-- A hospital's month in which the scope shows no encounter completely has a claim of 0, although
-- care was shown: who reads that may guess that something is hidden. The sum is right all the same,
-- so this warns. When it does, the client is to be asked whether its months may be shown that fine.
with

encounters as (

    select * from {{ ref('int_encounters_scoped') }}

),

final as (

    select
        scope_id,
        organization_name,
        service_month
    from encounters
    group by scope_id, organization_name, service_month
    having count(case when not has_hidden_procedures then 1 end) = 0

)

select * from final
