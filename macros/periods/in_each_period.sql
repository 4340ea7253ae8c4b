{#
    Rows of a relation once for each period that their month is in: the month, its calendar year, and
    all (whose start is null). In front of the relation's columns stand period_kind and period_start.

    relation: name of a CTE with a column service_month (date, first of a month).
#}
{% macro in_each_period(relation) -%}
    {%- set starts = {
        'all': 'null::date',
        'year': "date_trunc('year', " ~ relation ~ ".service_month)::date",
        'month': relation ~ '.service_month',
    } -%}
    {%- for kind, start in starts.items() %}
    select
        '{{ kind }}' as period_kind,
        {{ start }} as period_start,
        {{ relation }}.*
    from {{ relation }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
{%- endmacro %}
