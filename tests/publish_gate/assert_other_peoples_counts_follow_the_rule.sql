-- Counts of other people, as marts declare them in config.meta.disclosure, are multiples of 10 and money
-- is rounded by what it paid for, and a suppressed row shows neither. Rows that are a reader's own are exact. Multiples are
-- on purpose not read from the variables. When this breaks, a count of a few people who are not the
-- reader's is in the open.
{% set price_of_row -%}
(
    select prices.average_price
    from {{ ref('int_procedure_prices') }} as prices
    where prices.procedure_code is not distinct from shown.procedure_code
)
{%- endset %}
{% set queries = [] %}
{% for mart in shown_marts() if mart.disclosure %}
{% set declared = mart.disclosure %}
{% set counts = declared.counts or [] %}
{% set money = declared.money or [] %}
{% set conditions = ['false'] %}
{% for column, values in (declared.exact or {}).items() %}
{% set literals = [] %}
{% for value in values %}{% do literals.append(dbt.string_literal(value | string)) %}{% endfor %}
{% do conditions.append(column ~ ' in (' ~ literals | join(', ') ~ ')') %}
{% endfor %}
{% set is_exact = 'coalesce(' ~ conditions | join(' or ') ~ ', false)' %}
{% set problems = [] %}
{% for column in counts %}
{% do problems.append((column ~ ' is not rounded', 'not ' ~ is_exact ~ ' and (' ~ column ~ ' < 0 or mod(' ~ column ~ ', 10) <> 0)')) %}
{% endfor %}
{% set price = price_of_row if 'procedure_code' in mart.columns | map(attribute='name') else '0' %}
{% for column in money %}
{% set is_rounded = is_rounded_money('shown.' ~ column, price) %}
{% do problems.append((column ~ ' is not rounded', 'not ' ~ is_exact ~ ' and not ' ~ is_rounded)) %}
{% endfor %}
{% if 'is_suppressed' in mart.columns | map(attribute='name') %}
{% do problems.append(('is_suppressed is not known', 'is_suppressed is null')) %}
{% do problems.append(('own rows are suppressed', is_exact ~ ' and is_suppressed')) %}
{% for column in counts + money + (declared.measures or []) %}
{% do problems.append((column ~ ' is shown in a suppressed row', 'is_suppressed and ' ~ column ~ ' is not null')) %}
{% endfor %}
{% for column in counts %}
{% do problems.append((column ~ ' is missing', 'not is_suppressed and ' ~ column ~ ' is null')) %}
{% endfor %}
{% endif %}
{% for problem, condition in problems %}
{% set query %}
    select
        '{{ mart.name }}' as relation_name,
        {{ dbt.string_literal(problem) }} as problem,
        count(*) as row_count
    from {{ mart.relation }} as shown
    where {{ condition }}
    having count(*) > 0
{% endset %}
{% do queries.append(query) %}
{% endfor %}
{% endfor %}
with

final as (

    {{ queries | join('\nunion all\n') }}

)

select * from final
