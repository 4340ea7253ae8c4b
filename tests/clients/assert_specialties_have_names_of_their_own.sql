-- Activity is counted per specialty under its id and name, beside the ids `all` and `none`. A
-- specialty with two names would be counted in two parts, and one that is called `all` or `none`
-- would be mixed with everything or with nothing. The seed is to be mended.
with

procedure_specialties as (

    select * from {{ ref('int_procedure_specialties') }}

),

final as (

    select
        specialty_id,
        count(distinct specialty_name) as name_count
    from procedure_specialties
    group by specialty_id
    having
        count(distinct specialty_name) > 1
        or specialty_id in ('all', 'none')

)

select * from final
