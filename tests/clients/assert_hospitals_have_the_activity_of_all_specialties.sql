-- In a month, all specialties of a hospital together are the hospital: as many patients, encounters
-- and procedures. When this breaks, the two charts of one page contradict each other.
with

monthly_activity as (

    select * from {{ ref('monthly_activity') }}

),

hospital_activity as (

    select * from {{ ref('hospital_activity') }}

),

all_specialties as (

    select *
    from monthly_activity
    where specialty_id = 'all'

),

final as (

    select
        coalesce(hospital_activity.scope_id, all_specialties.scope_id) as scope_id,
        coalesce(hospital_activity.service_month, all_specialties.service_month) as service_month
    from hospital_activity
    full outer join all_specialties
        on
            hospital_activity.scope_id = all_specialties.scope_id
            and hospital_activity.organization_name = all_specialties.organization_name
            and hospital_activity.service_month = all_specialties.service_month
    where
        hospital_activity.scope_id is null
        or all_specialties.scope_id is null
        or hospital_activity.patient_count <> all_specialties.patient_count
        or hospital_activity.encounter_count <> all_specialties.encounter_count
        or hospital_activity.procedure_count <> all_specialties.procedure_count

)

select * from final
