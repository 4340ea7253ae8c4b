-- What a scope shows of the export, worked out here encounter by encounter, is in every mart of the
-- scope: encounters, patients, procedures and costs to the cent. When this breaks, a model lost,
-- multiplied or invented care or gave it to another scope, and a client's figures do not add up to
-- its book.
{% set marts = shown_marts() | selectattr('is_scoped') | list %}
with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

clients as (

    select * from {{ ref('stg_reference__clients') }}

),

payers as (

    select * from {{ ref('stg_advocacy__payers') }}

),

encounters as (

    select * from {{ ref('stg_advocacy__encounters') }}

),

procedures as (

    select * from {{ ref('stg_advocacy__procedures') }}

),

hidden as (

    {{ hidden_codes() }}

),

hidden_codes as (

    select
        scope_id,
        code
    from hidden
    group by scope_id, code

),

book as (

    select
        scopes.scope_id,
        encounters.encounter_id,
        encounters.patient_id,
        encounters.encounter_code,
        coalesce(encounters.claim_cost, 0) as claim_cost,
        coalesce(encounters.payer_coverage_cost, 0) as payer_coverage
    from scopes
    inner join clients
        on scopes.client_id = clients.client_id
    inner join payers
        on clients.payer_name = payers.payer_name
    inner join encounters
        on payers.payer_id = encounters.payer_id

),

counted as (

    select
        book.scope_id,
        book.encounter_id,
        book.patient_id,
        book.claim_cost,
        book.payer_coverage,
        count(procedures.encounter_id) as recorded_count,
        count(hidden_codes.code) as hidden_count,
        sum(case when hidden_codes.code is null then procedures.procedure_cost end) as shown_cost
    from book
    left join procedures
        on book.encounter_id = procedures.encounter_id
    left join hidden_codes
        on
            book.scope_id = hidden_codes.scope_id
            and procedures.procedure_code = hidden_codes.code
    where
        not exists (
            select own_codes.code
            from hidden_codes as own_codes
            where
                own_codes.scope_id = book.scope_id
                and own_codes.code = book.encounter_code
        )
    group by
        book.scope_id,
        book.encounter_id,
        book.patient_id,
        book.claim_cost,
        book.payer_coverage

),

totals as (

    select
        scope_id as part,
        count(*) as encounter_count,
        count(distinct patient_id) as patient_count,
        sum(recorded_count - hidden_count) as procedure_count,
        coalesce(sum(shown_cost), 0) as procedure_cost,
        sum(case when hidden_count = 0 then claim_cost else 0 end) as claim_cost,
        sum(case when hidden_count = 0 then payer_coverage else 0 end) as payer_coverage
    from counted
    where recorded_count = 0 or hidden_count < recorded_count
    group by scope_id

),

expected as (

    {{ totals_by_measure('totals') }}

),

measured as (

    {{ measured_marts(marts) }}

),

shown as (

    {{ summed_marts(marts, 'scope_id') }}

),

expected_of_marts as (

    select
        measured.relation_name,
        measured.measure,
        expected.part,
        expected.total
    from measured
    inner join expected
        on measured.measure = expected.measure

),

final as (

    select
        coalesce(expected_of_marts.relation_name, shown.relation_name) as relation_name,
        coalesce(expected_of_marts.measure, shown.measure) as measure,
        coalesce(expected_of_marts.part, shown.part) as scope_id,
        expected_of_marts.total as expected_total,
        shown.total as shown_total
    from expected_of_marts
    full outer join shown
        on
            expected_of_marts.relation_name = shown.relation_name
            and expected_of_marts.measure = shown.measure
            and expected_of_marts.part = shown.part
    where coalesce(expected_of_marts.total, 0) <> coalesce(shown.total, 0)

)

select * from final
