with

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

descriptions as (

    select
        procedure_code,
        procedure_description,
        count(*) as procedure_count
    from procedures
    group by procedure_code, procedure_description

),

ranked as (

    select
        procedure_code,
        procedure_description,
        -- A missing description never wins against a written one.
        row_number() over (
            partition by procedure_code
            order by
                case when procedure_description is null then 1 else 0 end,
                procedure_count desc,
                {{ code_order('procedure_description') }}
        ) as description_rank
    from descriptions

),

final as (

    select
        procedure_code,
        coalesce(procedure_description, procedure_code) as procedure_name
    from ranked
    where description_rank = 1

)

select * from final
