-- What is odd in an export is told of payers whose detail may be shown, and of no other one: counts
-- of findings are exact. When this breaks, management reads exact figures about patients whom only
-- the rule for other people's counts may tell of.
with

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

payer_groups as (

    select * from {{ ref('stg_reference__payer_groups') }}

),

findings as (

    select * from {{ ref('management_data_findings') }}

),

restricted as (

    select payers.payer_name
    from payers
    left join payer_groups
        on payers.payer_name = payer_groups.payer_name
    where not coalesce(payer_groups.detail_is_visible, false)

),

-- A payer by itself, or with the years that the finding is about: what is left of the subject.
named as (

    select
        findings.kind,
        restricted.payer_name,
        substring(findings.subject, length(restricted.payer_name) + 1) as rest
    from findings
    inner join restricted
        on left(findings.subject, length(restricted.payer_name)) = restricted.payer_name

),

final as (

    select
        kind,
        payer_name
    from named
    where {{ matches_pattern('rest', '^(, [0-9]{4}( to [0-9]{4})?)?$') }}

)

select * from final
