-- A code whose description or reason names hospice, palliative or terminal care must be grouped in
-- the seed specialties. When this breaks, the export brought a new such code, and a client that
-- restricts hospice would show it to everybody. The seed is to be completed, then the build runs
-- again.
with

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

specialties as (

    select * from {{ ref('stg_reference__specialties') }}

),

described_codes as (

    select
        procedure_code as code,
        coalesce(procedure_description, '') || ' | ' || coalesce(reason_name, '') as code_text
    from procedures

    union distinct

    select
        encounter_code as code,
        coalesce(encounter_name, '') || ' | ' || coalesce(reason_name, '') as code_text
    from encounters

),

final as (

    select
        described_codes.code,
        described_codes.code_text
    from described_codes
    left join specialties
        on described_codes.code = specialties.procedure_code
    where
        specialties.procedure_code is null
        and {{ names_end_of_life_care('described_codes.code_text') }}

)

select * from final
