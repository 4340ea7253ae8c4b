-- A restriction names a specialty. A code that the seed groups is no specialty of its own, so a
-- restriction on it would be about nothing that marts carry, and would tear the group apart.
with

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

final as (

    select
        restrictions.client_id,
        restrictions.specialty_id
    from restrictions
    inner join specialties
        on restrictions.specialty_id = specialties.procedure_code
    where specialties.specialty_id <> restrictions.specialty_id

)

select * from final
