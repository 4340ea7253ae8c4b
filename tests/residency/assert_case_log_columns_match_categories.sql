-- The category columns of the three wide reports are the categories of the seed, in its order. A
-- new category without its column, or a column without its category, would leave a report that
-- looks complete and is not. (A build with --empty has no categories to compare with.)
{% set contract_columns = [] %}
{% if execute %}
{% for report in ['case_log_totals', 'case_log_percentages', 'case_log_status'] %}
{% set contract = graph.nodes['model.casebook.' ~ report].columns %}
{% for category_id in category_columns(contract) %}
{% do contract_columns.append((report, category_id, loop.index)) %}
{% endfor %}
{% endfor %}
{% endif %}
with

categories as (

    select * from {{ ref('stg_reference__case_log_categories') }}

),

reports as (

    select 'case_log_totals' as report
    union all
    select 'case_log_percentages' as report
    union all
    select 'case_log_status' as report

),

contract_columns as (

    {% for report, category_id, position in contract_columns %}
    select
        '{{ report }}' as report,
        '{{ category_id }}' as category_id,
        {{ position }} as column_position
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

expected as (

    select
        reports.report,
        categories.category_id,
        row_number() over (
            partition by reports.report order by categories.sort_order
        ) as column_position
    from reports
    cross join categories

),

final as (

    select
        coalesce(expected.report, contract_columns.report) as report,
        expected.category_id as category_in_seed,
        contract_columns.category_id as category_in_contract,
        coalesce(expected.column_position, contract_columns.column_position) as column_position
    from expected
    full outer join contract_columns
        on
            expected.report = contract_columns.report
            and expected.column_position = contract_columns.column_position
    where
        (
            expected.category_id is null
            or contract_columns.category_id is null
            or expected.category_id <> contract_columns.category_id
        )
        and (select count(*) from categories) > 0

)

select * from final
