{#
    How rows of a mart can break the rule for other people's counts: a list of problem, in words, and the
    SQL condition of a row that has it. Rows that are a reader's own are exact. Counts are multiples of 10
    by promise, which is on purpose not read from the variables.

    mart: one of shown_marts, with a disclosure. average_price: expression of what a row's procedure costs
    on average, for marts with a procedure_code. Counts are there in every row that is not suppressed;
    parts of them may be hidden by themselves.
#}
{% macro rule_breaches(mart, average_price) -%}
    {%- set counts = mart.disclosure.counts or [] -%}
    {%- set parts = mart.disclosure.parts or [] -%}
    {%- set money = mart.disclosure.money or [] -%}
    {%- set measures = mart.disclosure.measures or [] -%}
    {%- set names = mart.columns | map(attribute='name') | list -%}
    {%- set own = ['false'] -%}
    {%- for column, values in (mart.disclosure.exact or {}).items() -%}
        {%- for value in values -%}
            {%- do own.append(column ~ ' = ' ~ dbt.string_literal(value | string)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set is_own = 'coalesce(' ~ own | join(' or ') ~ ', false)' -%}
    {%- set price = average_price if 'procedure_code' in names else '0' -%}
    {%- set breaches = [] -%}
    {%- for column in counts + parts -%}
        {%- set is_rounded = '(' ~ column ~ ' >= 0 and mod(' ~ column ~ ', 10) = 0)' -%}
        {%- do breaches.append([
            column ~ ' is not rounded', 'not ' ~ is_own ~ ' and not ' ~ is_rounded
        ]) -%}
    {%- endfor -%}
    {%- for column in money -%}
        {%- do breaches.append([
            column ~ ' is not rounded',
            'not ' ~ is_own ~ ' and not ' ~ is_rounded_money(column, price)
        ]) -%}
    {%- endfor -%}
    {%- if 'is_suppressed' in names -%}
        {%- do breaches.append(['is_suppressed is not known', 'is_suppressed is null']) -%}
        {%- do breaches.append(['own rows are suppressed', is_own ~ ' and is_suppressed']) -%}
        {%- for column in counts + parts + money + measures -%}
            {%- do breaches.append([
                column ~ ' is shown in a suppressed row',
                'is_suppressed and ' ~ column ~ ' is not null'
            ]) -%}
        {%- endfor -%}
        {%- for column in counts -%}
            {%- do breaches.append([
                column ~ ' is missing', 'not is_suppressed and ' ~ column ~ ' is null'
            ]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(breaches) }}
{%- endmacro %}
