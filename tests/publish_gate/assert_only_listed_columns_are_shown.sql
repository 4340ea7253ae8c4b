-- Of patients only columns are shown that a person has put into the seed shown_columns, each of a
-- type that its kind may have, in marts that the gate knows. When this breaks, ask of the new
-- column whether it could tell who a patient is, alone or together with the others, before it is
-- put there; a new mart belongs into the macro shown_marts.
{% set marts = shown_marts() %}
with

shown_columns as (

    select * from {{ ref('stg_reference__shown_columns') }}

),

marts as (

    {% for mart in marts %}
    select
        '{{ mart.relation.schema }}' as schema_name,
        '{{ mart.relation.identifier }}' as table_name,
        '{{ mart.name }}' as relation_name
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- Those that the tables have, whatever their contracts say.
present as (

    select
        marts.relation_name,
        found.column_name::text as column_name,
        found.data_type::text as data_type
    from marts
    inner join information_schema.columns as found
        on
            marts.schema_name = found.table_schema
            and marts.table_name = found.table_name
    where found.column_name <> 'scope_id'

),

listed as (

    select
        present.relation_name,
        present.column_name,
        present.data_type,
        min(shown_columns.kind) as kind,
        count(shown_columns.kind) as kind_count
    from present
    left join shown_columns
        on
            present.column_name = shown_columns.column_name
            and present.relation_name
            = coalesce(shown_columns.relation_name, present.relation_name)
    group by present.relation_name, present.column_name, present.data_type

),

final as (

    select
        relation_name,
        column_name,
        'is not listed once, or of a type that its kind may not have' as problem
    from listed
    where
        -- A build with --empty has an empty list, too.
        {% if flags.EMPTY %}kind_count > 1{% else %}kind_count <> 1{% endif %}
        or case
            when kind = 'flag' then data_type <> 'boolean'
            when kind = 'month' then data_type <> 'date'
            when kind in ('measure', 'coordinate', 'distance')
                then data_type not in (
                    'integer', 'bigint', 'smallint', 'numeric', 'double precision'
                )
            when kind is not null then data_type <> 'text'
        end

    {% for name in unlisted_marts() %}
    union all

    select
        '{{ name }}' as relation_name,
        null as column_name,
        'is a mart that the gate does not know' as problem
    {% endfor %}

)

select * from final
