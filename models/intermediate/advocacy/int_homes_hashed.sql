{% set digest_count = (var('nearness_shuffles') + 7) // 8 %}
{{ config(
    indexes=[{'columns': ['digest_number']}],
    post_hook='analyze {{ this }}'
) }}

with

homes as (

    select * from {{ ref('int_homes_located') }}

),

final as (

    select
        homes.home_number,
        digest_number::integer as digest_number,
        {{ sha256_hex("digest_number::text || chr(31) || homes.patient_id") }} as digest
    from homes
    cross join generate_series(1, {{ digest_count }}) as digest_number

)

select * from final
