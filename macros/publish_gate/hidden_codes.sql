{#
    A query of the codes that are hidden from each scope (scope_id, specialty_id, specialty_name, code),
    worked out from the seeds alone: the gate does not ask the model that the marts ask.
#}
{% macro hidden_codes() -%}
    with

    scopes as (

        select * from {{ ref('int_client_scopes') }}

    ),

    restrictions as (

        select * from {{ ref('stg_reference__restrictions') }}

    ),

    specialties as (

        select * from {{ ref('stg_reference__specialties') }}

    )

    select
        scopes.scope_id,
        restrictions.specialty_id,
        specialties.specialty_name,
        coalesce(specialties.procedure_code, restrictions.specialty_id) as code
    from scopes
    inner join restrictions
        on
            scopes.client_id = restrictions.client_id
            and scopes.visibility <> restrictions.specialty_id
    left join specialties
        on restrictions.specialty_id = specialties.specialty_id
{%- endmacro %}
