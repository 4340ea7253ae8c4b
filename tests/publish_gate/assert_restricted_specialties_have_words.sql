-- A restricted specialty that groups several codes has words in the seed specialty_words to find
-- more of them by. When this breaks, a new code of that specialty would be shown to everybody.
with

restrictions as (

    select * from {{ ref('stg_reference__restrictions') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

specialty_words as (

    select * from {{ ref('stg_reference__specialty_words') }}

),

final as (

    select restrictions.specialty_id
    from restrictions
    inner join specialties
        on restrictions.specialty_id = specialties.specialty_id
    left join specialty_words
        on restrictions.specialty_id = specialty_words.specialty_id
    where specialty_words.word is null
    group by restrictions.specialty_id

)

select * from final
