with

procedure_names as (

    select * from {{ ref('int_procedure_names') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

final as (

    select
        procedure_names.procedure_code,
        coalesce(specialties.specialty_id, procedure_names.procedure_code) as specialty_id,
        coalesce(specialties.specialty_name, procedure_names.procedure_name) as specialty_name
    from procedure_names
    left join specialties
        on procedure_names.procedure_code = specialties.procedure_code

)

select * from final
