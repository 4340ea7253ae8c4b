-- What a column shows of patients is of the kind that the seed shown_columns says: a pseudonym, an
-- age band, three digits of a ZIP code, a month, a hospital, an area, a place within a kilometre.
-- When this breaks, a column shows something finer or something else than people have agreed to.
{% set types = ['text', 'date', 'numeric', 'double precision'] %}
with

shown_columns as (

    select * from {{ ref('stg_reference__shown_columns') }}

),

sparse_zip3 as (

    select * from {{ ref('stg_reference__sparse_zip3') }}

),

organizations as (

    select * from {{ ref('stg_advocacy__organizations') }}

),

patients as (

    select * from {{ ref('stg_advocacy__patients') }}

),

hospital_places as (

    {% for column in ['organization_name', 'address', 'city', 'state_code', 'zip_code'] %}
    select {{ column }} as place
    from organizations
    where {{ column }} is not null
    {% if not loop.last %}union distinct{% endif %}
    {% endfor %}

),

area_places as (

    {% for column in ['city', 'county'] %}
    select {{ column }} as place
    from patients
    where {{ column }} is not null
    {% if not loop.last %}union distinct{% endif %}
    {% endfor %}

),

shown as (

    {{ shown_values(types) }}

),

judged as (

    select
        shown.relation_name,
        shown.column_name,
        shown.row_count,
        case shown_columns.kind
            when 'pseudonym' then {{ is_pseudonym('shown.shown_value') }}
            when 'ordinal' then {{ is_ordinal('shown.shown_value') }}
            when 'age_band' then {{ is_age_band('shown.shown_value') }}
            when 'zip3' then {{ is_zip3('shown.shown_value', 'sparse_zip3') }}
            when 'month' then {{ is_month('shown.shown_value') }}
            when 'hospital' then {{ is_hospital('shown.shown_value', 'hospital_places') }}
            when 'area' then {{ is_area('shown.shown_value', 'area_places') }}
            when 'coordinate' then {{ is_coordinate('shown.shown_value') }}
            when 'distance' then {{ is_distance('shown.shown_value') }}
            else true
        end as is_of_its_kind
    from shown
    inner join shown_columns
        on
            shown.column_name = shown_columns.column_name
            and shown.relation_name = coalesce(shown_columns.relation_name, shown.relation_name)

),

final as (

    select
        relation_name,
        column_name,
        sum(row_count) as row_count
    from judged
    where not is_of_its_kind
    group by relation_name, column_name

)

select * from final
