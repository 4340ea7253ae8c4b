with

source as (

    select * from {{ ref('advocacy_finding_kinds') }}

),

final as (

    select
        nullif(trim(kind), '') as kind,
        nullif(trim(example_file), '') as example_file,
        nullif(trim(detail), '') as detail
    from source

)

select * from final
