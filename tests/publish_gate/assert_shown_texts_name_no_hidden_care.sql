-- A scope shows no text that names care which it hides, whatever code the text came with: names are
-- published as recorded, and an export may say in words what the seed specialties does not know by
-- code. Each specialty has its own words, so that a scope may name one kind of restricted care and
-- hide another. Places may be called after care. When this breaks, the codes of these texts are to
-- be grouped in the seed.
with

specialty_words as (

    select * from {{ ref('stg_reference__specialty_words') }}

),

shown_columns as (

    select * from {{ ref('stg_reference__shown_columns') }}

),

hidden as (

    {{ hidden_codes() }}

),

hidden_words as (

    select
        hidden.scope_id,
        specialty_words.word
    from hidden
    inner join specialty_words
        on hidden.specialty_id = specialty_words.specialty_id
    group by hidden.scope_id, specialty_words.word

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
    inner join shown_columns
        on
            shown.column_name = shown_columns.column_name
            and shown.relation_name = coalesce(shown_columns.relation_name, shown.relation_name)
    inner join hidden_words
        on shown.scope_id = hidden_words.scope_id
    where
        shown_columns.kind = 'group'
        and {{ dbt.position('hidden_words.word', 'lower(shown.shown_value)') }} > 0
    group by shown.relation_name, shown.column_name, shown.scope_id

)

select * from final
