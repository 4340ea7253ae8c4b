-- Rows of the extracts come from payers whose detail may be shown, as the seed says. When this
-- breaks, staff read rows of patients that a contract keeps from them.
with

payer_groups as (

    select * from {{ ref('stg_reference__payer_groups') }}

),

encounters as (

    select * from {{ ref('extract_encounters') }}

),

procedures as (

    select * from {{ ref('extract_procedures') }}

),

shown as (

    select payer_name from encounters

    union distinct

    select payer_name from procedures

),

final as (

    select shown.payer_name
    from shown
    left join payer_groups
        on shown.payer_name = payer_groups.payer_name
    where not coalesce(payer_groups.detail_is_visible, false)

)

select * from final
