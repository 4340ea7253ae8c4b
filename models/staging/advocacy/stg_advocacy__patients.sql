with

source as (

    select * from {{ raw_table('advocacy', 'patients') }}

),

final as (

    select
        -- ids
        nullif(trim(id), '') as patient_id,

        -- person
        nullif(trim(prefix), '') as name_prefix,
        nullif(trim(first), '') as first_name,
        nullif(trim(last), '') as last_name,
        nullif(trim(suffix), '') as name_suffix,
        nullif(trim(maiden), '') as maiden_name,
        nullif(trim(marital), '') as marital_status,
        nullif(trim(race), '') as race,
        nullif(trim(ethnicity), '') as ethnicity,
        nullif(trim(gender), '') as gender,
        nullif(trim(birthplace), '') as birthplace,

        -- home
        nullif(trim(address), '') as address,
        nullif(trim(city), '') as city,
        nullif(trim(state), '') as state_name,
        nullif(trim(county), '') as county,
        nullif(trim(zip), '') as zip_code,
        lat::double precision as latitude,
        lon::double precision as longitude,

        -- dates
        birthdate::date as born_on,
        deathdate::date as died_on
    from source

)

select * from final
