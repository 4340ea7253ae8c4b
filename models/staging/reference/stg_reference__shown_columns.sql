with

source as (

    select * from {{ ref('shown_columns') }}

),

final as (

    select
        nullif(trim(relation_name), '') as relation_name,
        nullif(trim(column_name), '') as column_name,
        nullif(trim(kind), '') as kind
    from source

)

select * from final
