-- Every encounter, patient and procedure of the visible payers is in the extracts and nobody
-- else's, to the cent and payer by payer, by a join of staging tables alone. When this breaks, rows
-- were lost or doubled on the way, or staff read rows of patients that a contract keeps from them.
{% set marts = [] %}
{% set by_payer = {} %}
{% for mart in shown_marts() if not mart.is_scoped and mart.key in [
    ['encounter_key'], ['patient_key'], ['procedure_key']
] %}
{% do marts.append(mart) %}
{% if 'payer_name' in mart.columns | map(attribute='name') %}
{% do by_payer.update({mart.name: 'payer_name'}) %}
{% endif %}
{% endfor %}
with

payer_groups as (

    select * from {{ ref('stg_reference__payer_groups') }}

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

visible as (

    select
        encounters.encounter_id,
        encounters.patient_id,
        encounters.claim_cost,
        encounters.payer_coverage_cost,
        payers.payer_name
    from encounters
    inner join payers
        on encounters.payer_id = payers.payer_id
    inner join payer_groups
        on payers.payer_name = payer_groups.payer_name
    where payer_groups.detail_is_visible

),

-- Each encounter for its payer and once more for all of them.
parts as (

    select
        payer_name as part,
        encounter_id,
        patient_id,
        claim_cost,
        payer_coverage_cost
    from visible

    union all

    select
        'all payers' as part,
        encounter_id,
        patient_id,
        claim_cost,
        payer_coverage_cost
    from visible

),

procedure_totals as (

    select
        encounter_id,
        count(*) as procedure_count,
        sum(procedure_cost) as procedure_cost
    from procedures
    group by encounter_id

),

totals as (

    select
        parts.part,
        count(*) as encounter_count,
        count(distinct parts.patient_id) as patient_count,
        sum(procedure_totals.procedure_count) as procedure_count,
        sum(procedure_totals.procedure_cost) as procedure_cost,
        sum(parts.claim_cost) as claim_cost,
        sum(parts.payer_coverage_cost) as payer_coverage
    from parts
    left join procedure_totals
        on parts.encounter_id = procedure_totals.encounter_id
    group by parts.part

),

expected as (

    {{ totals_by_measure('totals') }}

),

measured as (

    {{ measured_marts(marts, by_payer) }}

),

shown as (

    {{ summed_marts(marts, "'all payers'", by_payer) }}

),

expected_of_marts as (

    select
        measured.relation_name,
        measured.measure,
        expected.part,
        expected.total
    from measured
    inner join expected
        on
            measured.measure = expected.measure
            and (expected.part <> 'all payers') = measured.is_taken_apart

),

final as (

    select
        coalesce(expected_of_marts.relation_name, shown.relation_name) as relation_name,
        coalesce(expected_of_marts.measure, shown.measure) as measure,
        coalesce(expected_of_marts.part, shown.part) as payer_name,
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
