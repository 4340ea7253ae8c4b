-- No text that is shown of patients equals an id of the export, a name, an address or a date of
-- birth or death, nor a hash of an id that anybody can compute. Places are called like people, and
-- somebody may live in a hospital: columns of places may hold such names. When this breaks, a
-- reader can tell who a patient is.
with

shown_columns as (

    select * from {{ ref('stg_reference__shown_columns') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

identifiers as (

    select patient_id as identifier from patients

    union distinct

    select encounter_id as identifier from encounters

),

-- As surrogate_key spells a value, too.
digests as (

    select {{ sha256_hex('identifier') }} as digest from identifiers

    union distinct

    select {{ sha256_hex("'=' || identifier") }} as digest from identifiers

),

names as (

    {% for name in [
        "first_name", "last_name", "maiden_name", "concat_ws(' ', first_name, last_name)",
        "concat_ws(' ', last_name, first_name)", "concat_ws(', ', last_name, first_name)",
    ] %}
    select {{ name }} as person_name from patients
    {% if not loop.last %}union distinct{% endif %}
    {% endfor %}

),

forbidden as (

    select
        identifier as forbidden_value,
        false as is_place
    from identifiers

    union distinct

    select
        {{ dbt.hash('identifier') }} as forbidden_value,
        false as is_place
    from identifiers

    union distinct

    select
        digest as forbidden_value,
        false as is_place
    from digests

    union distinct

    select
        left(digest, 32) as forbidden_value,
        false as is_place
    from digests

    {% for column in ['born_on', 'died_on'] %}
    union distinct

    select
        {{ column }}::text as forbidden_value,
        false as is_place
    from patients
    {% endfor %}

    union distinct

    select
        address as forbidden_value,
        true as is_place
    from patients

    -- Shorter ones are words and codes as well.
    union distinct

    select
        person_name as forbidden_value,
        true as is_place
    from names
    where length(person_name) >= 4

),

shown as (

    {{ shown_values(['text']) }}

),

final as (

    select
        shown.relation_name,
        shown.column_name,
        sum(shown.row_count) as row_count
    from shown
    inner join shown_columns
        on
            shown.column_name = shown_columns.column_name
            and shown.relation_name = coalesce(shown_columns.relation_name, shown.relation_name)
    inner join forbidden
        on shown.shown_value = forbidden.forbidden_value
    where not (forbidden.is_place and shown_columns.kind in ('hospital', 'area'))
    group by shown.relation_name, shown.column_name

)

select * from final
