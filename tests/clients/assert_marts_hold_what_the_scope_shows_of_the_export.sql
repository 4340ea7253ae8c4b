-- What a scope shows of the export, worked out here encounter by encounter, is in every mart of the
-- scope: encounters, patients, procedures and costs to the cent. When this breaks, a model lost,
-- multiplied or invented care, and a client's figures do not add up to its book.
with

scopes as (

    select * from {{ ref('int_client_scopes') }}

),

hidden_codes as (

    select * from {{ ref('int_codes_hidden') }}

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

procedure_summary as (

    select * from {{ ref('procedure_summary') }}

),

procedure_extract as (

    select * from {{ ref('procedure_extract') }}

),

encounter_extract as (

    select * from {{ ref('encounter_extract') }}

),

patient_extract as (

    select * from {{ ref('patient_extract') }}

),

patient_activity as (

    select * from {{ ref('patient_activity') }}

),

monthly_activity as (

    select * from {{ ref('monthly_activity') }}

),

hospital_activity as (

    select * from {{ ref('hospital_activity') }}

),

client_specialties as (

    select * from {{ ref('client_specialties') }}

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

expected as (

    select
        scope_id,
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

shown as (

    select
        'procedure_summary' as mart,
        scope_id,
        null::bigint as encounter_count,
        null::bigint as patient_count,
        sum(procedure_count) as procedure_count,
        sum(total_cost) as procedure_cost,
        null::numeric as claim_cost,
        null::numeric as payer_coverage
    from procedure_summary
    group by scope_id

    union all

    select
        'procedure_extract' as mart,
        scope_id,
        null as encounter_count,
        null as patient_count,
        count(*) as procedure_count,
        sum(procedure_cost) as procedure_cost,
        null as claim_cost,
        null as payer_coverage
    from procedure_extract
    group by scope_id

    union all

    select
        'encounter_extract' as mart,
        scope_id,
        count(*) as encounter_count,
        count(distinct patient_key) as patient_count,
        sum(procedure_count) as procedure_count,
        sum(procedure_cost) as procedure_cost,
        null as claim_cost,
        null as payer_coverage
    from encounter_extract
    group by scope_id

    union all

    select
        'patient_extract' as mart,
        scope_id,
        sum(encounter_count) as encounter_count,
        count(*) as patient_count,
        sum(procedure_count) as procedure_count,
        sum(procedure_cost) as procedure_cost,
        null as claim_cost,
        null as payer_coverage
    from patient_extract
    group by scope_id

    union all

    select
        'patient_activity' as mart,
        scope_id,
        sum(encounter_count) as encounter_count,
        count(distinct activity_key) as patient_count,
        sum(procedure_count) as procedure_count,
        null as procedure_cost,
        null as claim_cost,
        null as payer_coverage
    from patient_activity
    where specialty_id = 'all'
    group by scope_id

    union all

    select
        'monthly_activity' as mart,
        scope_id,
        sum(encounter_count) as encounter_count,
        null as patient_count,
        sum(procedure_count) as procedure_count,
        null as procedure_cost,
        null as claim_cost,
        null as payer_coverage
    from monthly_activity
    where specialty_id = 'all'
    group by scope_id

    union all

    select
        'hospital_activity' as mart,
        scope_id,
        sum(encounter_count) as encounter_count,
        null as patient_count,
        sum(procedure_count) as procedure_count,
        sum(procedure_cost) as procedure_cost,
        sum(claim_cost) as claim_cost,
        sum(payer_coverage) as payer_coverage
    from hospital_activity
    group by scope_id

    union all

    select
        'specialties' as mart,
        scope_id,
        null as encounter_count,
        null as patient_count,
        sum(procedure_count) as procedure_count,
        null as procedure_cost,
        null as claim_cost,
        null as payer_coverage
    from client_specialties
    group by scope_id

),

marts as (

    select mart
    from shown
    group by mart

),

final as (

    select
        marts.mart,
        expected.scope_id,
        expected.encounter_count as expected_encounters,
        shown.encounter_count as shown_encounters,
        expected.procedure_count as expected_procedures,
        shown.procedure_count as shown_procedures
    from expected
    cross join marts
    left join shown
        on
            expected.scope_id = shown.scope_id
            and marts.mart = shown.mart
    where
        shown.encounter_count <> expected.encounter_count
        or shown.patient_count <> expected.patient_count
        -- A mart without any row for the scope is right only where nothing is to be counted.
        or coalesce(shown.procedure_count, 0) <> expected.procedure_count
        or shown.procedure_cost <> expected.procedure_cost
        or shown.claim_cost <> expected.claim_cost
        or shown.payer_coverage <> expected.payer_coverage

)

select * from final
