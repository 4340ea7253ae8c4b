-- A code, name or specialty that is hidden from a scope is in none of the scope's rows, in no
-- column of any mart. A name that a code in sight has as well tells of that one. When this breaks,
-- a reader without the specialty sees what the client shows to that specialty alone.
with

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

hidden as (

    {{ hidden_codes() }}

),

described as (

    select
        procedure_code as code,
        procedure_description as code_name
    from procedures

    union distinct

    select
        encounter_code as code,
        encounter_name as code_name
    from encounters

),

scopes as (

    select scope_id
    from hidden
    group by scope_id

),

-- Names that only hidden codes have.
hidden_names as (

    select
        scopes.scope_id,
        described.code_name
    from scopes
    cross join described
    left join hidden
        on
            scopes.scope_id = hidden.scope_id
            and described.code = hidden.code
    group by scopes.scope_id, described.code_name
    having count(*) = count(hidden.code)

),

forbidden as (

    select
        scope_id,
        lower(code) as forbidden_value
    from hidden

    union distinct

    select
        scope_id,
        lower(specialty_id) as forbidden_value
    from hidden

    union distinct

    select
        scope_id,
        lower(specialty_name) as forbidden_value
    from hidden

    union distinct

    select
        scope_id,
        lower(code_name) as forbidden_value
    from hidden_names

),

shown as (

    {{ shown_values(['text'], by_scope=true) }}

),

final as (

    select
        shown.relation_name,
        shown.column_name,
        shown.scope_id,
        sum(shown.row_count) as row_count
    from shown
    inner join forbidden
        on
            shown.scope_id = forbidden.scope_id
            and lower(shown.shown_value) = forbidden.forbidden_value
    group by shown.relation_name, shown.column_name, shown.scope_id

)

select * from final
