-- A restriction names a specialty. A code that the seed groups is no specialty of its own, so a
-- restriction on it would be about nothing that marts carry, and would tear the group apart. A name
-- that the seed does not have is misspelled and would hide nothing: what it means to hide would be
-- open to everybody. A code may be one that no export has held so far; codes have digits.
with

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

codes_of_groups as (

    select
        restrictions.client_id,
        restrictions.specialty_id
    from restrictions
    inner join specialties
        on restrictions.specialty_id = specialties.procedure_code
    where specialties.specialty_id <> restrictions.specialty_id

),

unknown_names as (

    select
        restrictions.client_id,
        restrictions.specialty_id
    from restrictions
    left join specialties
        on restrictions.specialty_id = specialties.specialty_id
    where
        specialties.specialty_id is null
        and not ({{ matches_pattern('restrictions.specialty_id', '[0-9]') }})

),

final as (

    select * from codes_of_groups

    union distinct

    select * from unknown_names

)

select * from final
