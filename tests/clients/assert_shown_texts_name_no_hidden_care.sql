-- A scope shows no text that names care which it hides, whatever code the text came with: names are
-- published as recorded, and an export may say in words what the seed specialties does not know by
-- code. Each specialty has its own words, so that a scope may name one kind of restricted care and
-- hide another. When this breaks, the codes of these texts are to be grouped in the seed.
with

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

specialty_words as (

    select * from {{ ref('stg_reference__specialty_words') }}

),

procedure_extract as (

    select * from {{ ref('procedure_extract') }}

),

encounter_extract as (

    select * from {{ ref('encounter_extract') }}

),

procedure_summary as (

    select * from {{ ref('procedure_summary') }}

),

patient_activity as (

    select * from {{ ref('patient_activity') }}

),

monthly_activity as (

    select * from {{ ref('monthly_activity') }}

),

client_specialties as (

    select * from {{ ref('client_specialties') }}

),

top_procedure_patients as (

    select * from {{ ref('top_procedure_patients') }}

),

hidden_words as (

    select
        hidden_codes.scope_id,
        specialty_words.word
    from hidden_codes
    left join specialties
        on hidden_codes.code = specialties.procedure_code
    inner join specialty_words
        on coalesce(specialties.specialty_id, hidden_codes.code) = specialty_words.specialty_id
    group by hidden_codes.scope_id, specialty_words.word

),

shown as (

    select
        scope_id,
        encounter_name as shown_text
    from encounter_extract

    union distinct

    select
        scope_id,
        encounter_class as shown_text
    from encounter_extract

    union distinct

    select
        scope_id,
        procedure_name as shown_text
    from procedure_extract

    union distinct

    select
        scope_id,
        procedure_name as shown_text
    from procedure_summary

    union distinct

    select
        scope_id,
        specialty_name as shown_text
    from patient_activity

    union distinct

    select
        scope_id,
        specialty_name as shown_text
    from monthly_activity

    union distinct

    select
        scope_id,
        specialty_name as shown_text
    from client_specialties

    union distinct

    select
        scope_id,
        procedure_name as shown_text
    from top_procedure_patients

),

final as (

    select
        shown.scope_id,
        shown.shown_text
    from shown
    inner join hidden_words
        on shown.scope_id = hidden_words.scope_id
    where {{ dbt.position('hidden_words.word', 'lower(shown.shown_text)') }} > 0
    group by shown.scope_id, shown.shown_text

)

select * from final
