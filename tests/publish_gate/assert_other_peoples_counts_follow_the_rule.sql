-- Counts of other people, as marts declare them in config.meta.disclosure, are multiples of 10 and
-- money is rounded by what it paid for; a suppressed row shows neither. When this breaks, a count
-- of a few people who are not the reader's is in the open.
{% set price_of_row = '(
    select priced.average_price from priced where priced.code is not distinct from procedure_code
)' %}
{% set queries = [] %}
{% for mart in shown_marts() if mart.disclosure %}
{% for problem, condition in rule_breaches(mart, price_of_row) %}
{% set query %}
    select
        '{{ mart.name }}' as relation_name,
        {{ dbt.string_literal(problem) }} as problem,
        count(*) as row_count
    from {{ mart.relation }}
    where {{ condition }}
    having count(*) > 0
{% endset %}
{% do queries.append(query) %}
{% endfor %}
{% endfor %}
with

prices as (

    select * from {{ ref('int_procedure_prices') }}

),

-- A row without a code is of all procedures.
priced as (

    select
        procedure_code as code,
        average_price
    from prices

),

final as (

    {{ queries | join('\nunion all\n') }}

)

select * from final
