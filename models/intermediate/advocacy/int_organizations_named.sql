with

organizations as (

    select * from {{ ref('stg_advocacy__organizations') }}

),

numbered as (

    select
        organization_id,
        organization_name,
        address,
        city,
        state_code,
        zip_code,
        row_number() over (
            partition by organization_name
            order by {{ code_order('organization_id') }}
        ) as name_number
    from organizations

),

final as (

    select
        organization_id,
        case
            when name_number = 1 then organization_name
            else organization_name || ' (' || name_number::text || ')'
        end as organization_name,
        address,
        city,
        state_code,
        zip_code
    from numbered

)

select * from final
