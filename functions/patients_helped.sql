{%- set precision = var('service_date_precision') -%}
begin
    if from_date is null or to_date is null then
        raise exception '% is missing',
                case when from_date is null then 'from_date' else 'to_date' end
            using
                errcode = '22023',
                hint = 'Give both dates; the time frame is [from_date, to_date).';
    end if;
    if from_date <> date_trunc('{{ precision }}', from_date::timestamp)::date then
        raise exception 'from_date % does not begin a {{ precision }}', from_date
            using
                errcode = '22023',
                hint = 'Dates of service are known by the {{ precision }} alone.';
    end if;
    if to_date <> date_trunc('{{ precision }}', to_date::timestamp)::date then
        raise exception 'to_date % does not begin a {{ precision }}', to_date
            using
                errcode = '22023',
                hint = 'Dates of service are known by the {{ precision }} alone; to_date is the'
                    || ' first day after the time frame.';
    end if;
    if from_date > to_date then
        raise exception 'from_date % is after to_date %', from_date, to_date
            using
                errcode = '22023',
                hint = 'The time frame is [from_date, to_date).';
    end if;

    return query
    with

    activity as (

        select * from {{ ref('patient_activity') }}

    ),

    in_time as (

        select
            activity.activity_key,
            activity.organization_name,
            activity.specialty_id,
            activity.specialty_name,
            activity.encounter_count,
            activity.procedure_count
        from activity
        where activity.service_month >= from_date and activity.service_month < to_date

    ),

    by_specialty as (

        select
            in_time.organization_name,
            in_time.specialty_id,
            in_time.specialty_name,
            count(distinct in_time.activity_key) as patient_count,
            sum(in_time.encounter_count) as encounter_count,
            sum(in_time.procedure_count) as procedure_count
        from in_time
        where
            in_time.specialty_id <> 'all'
            and in_time.specialty_id = coalesce(specialty, in_time.specialty_id)
        group by in_time.organization_name, in_time.specialty_id, in_time.specialty_name

    ),

    total as (

        select
            count(distinct in_time.activity_key) as patient_count,
            coalesce(sum(in_time.encounter_count), 0) as encounter_count,
            coalesce(sum(in_time.procedure_count), 0) as procedure_count
        from in_time
        where in_time.specialty_id = 'all'

    ),

    final as (

        select
            by_specialty.organization_name,
            by_specialty.specialty_id,
            by_specialty.specialty_name,
            by_specialty.patient_count::integer,
            by_specialty.encounter_count::integer,
            by_specialty.procedure_count::integer
        from by_specialty

        union all

        select
            null as organization_name,
            null as specialty_id,
            null as specialty_name,
            total.patient_count::integer,
            total.encounter_count::integer,
            total.procedure_count::integer
        from total
        where specialty is null

    )

    select * from final;
end
