with

visible_encounters as (

    select * from {{ ref('int_encounters_visible') }}

),

procedures as (

    select * from {{ ref('int_procedures_identified') }}

),

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

),

final as (

    select
        visible_encounters.scope_id,
        visible_encounters.client_id,
        procedures.procedure_id,
        visible_encounters.encounter_id,
        visible_encounters.patient_id,
        procedures.procedure_code,
        procedures.procedure_cost
    from visible_encounters
    inner join procedures
        on visible_encounters.encounter_id = procedures.encounter_id
    left join hidden_codes
        on
            visible_encounters.scope_id = hidden_codes.scope_id
            and procedures.procedure_code = hidden_codes.code
    where hidden_codes.code is null

)

select * from final
