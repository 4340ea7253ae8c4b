-- A mart that counts other people than its reader's own patients says in config.meta.disclosure
-- which columns follow the rule, and leaves none out. A mart that counts nobody else adds up to
-- figures that can be compared with the export. When this breaks, a mart is looked at by neither
-- test.
with

final as (

    select
        null as relation_name,
        null as problem
    where false

    {% for mart in shown_marts() %}
    {% set problems = [] %}
    {% do disclosure_problems(mart, problems) %}
    {% if not mart.disclosure and not reconciled_totals(mart) %}
    {% do problems.append('declares no disclosure and has nothing to compare with the export') %}
    {% endif %}
    {% for problem in problems %}
    union all

    select
        '{{ mart.name }}' as relation_name,
        {{ dbt.string_literal(problem) }} as problem
    {% endfor %}
    {% endfor %}

)

select * from final
