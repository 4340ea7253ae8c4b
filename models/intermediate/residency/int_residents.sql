with

studies as (

    select * from {{ ref('stg_residency__studies') }}

),

final as (

    select
        resident_name,
        count(*)::integer as study_count
    from studies
    where resident_name is not null
    group by resident_name

)

select * from final
