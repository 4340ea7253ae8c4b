with

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

),

hidden_by_own_code as (

    select
        hidden_codes.scope_id,
        encounters.encounter_id
    from hidden_codes
    inner join encounters
        on hidden_codes.code = encounters.encounter_code

),

hidden_procedure_counts as (

    select
        hidden_codes.scope_id,
        procedures.encounter_id,
        count(*) as hidden_count
    from hidden_codes
    inner join procedures
        on hidden_codes.code = procedures.procedure_code
    group by hidden_codes.scope_id, procedures.encounter_id

),

procedure_counts as (

    select
        encounter_id,
        count(*) as procedure_count
    from procedures
    group by encounter_id

),

hidden_by_procedures as (

    select
        hidden_procedure_counts.scope_id,
        hidden_procedure_counts.encounter_id
    from hidden_procedure_counts
    inner join procedure_counts
        on hidden_procedure_counts.encounter_id = procedure_counts.encounter_id
    where hidden_procedure_counts.hidden_count = procedure_counts.procedure_count

),

final as (

    select
        scope_id,
        encounter_id
    from hidden_by_own_code

    union distinct

    select
        scope_id,
        encounter_id
    from hidden_by_procedures

)

select * from final
