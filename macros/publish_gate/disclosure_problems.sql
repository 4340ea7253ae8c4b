{#
    Adds to a list what is wrong with a mart's config.meta.disclosure, in words: which columns follow the
    rule for other people's counts has to be said completely, or the gate would not look at them.

    mart: one of shown_marts. A mart that counts other people, as far as its columns tell, has to declare
    how; rows of a reader's own patients are exact.
#}
{% macro disclosure_problems(mart, problems) -%}
    {%- set whole_numbers = ['integer', 'bigint', 'smallint'] -%}
    {%- set lists = ['counts', 'parts', 'money', 'measures'] -%}
    {%- set declared = mart.disclosure -%}
    {%- set types = {} -%}
    {%- for column in mart.columns -%}
        {%- do types.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- set named = [] -%}
    {%- if declared is none or declared is undefined -%}
        {%- for name, data_type in types.items()
            if name == 'is_suppressed'
            or (not mart.is_own and 'patient' in name and data_type in whole_numbers) -%}
            {%- do problems.append('declares no disclosure, but ' ~ name ~ ' is about other people') -%}
        {%- endfor -%}
    {%- elif declared is not mapping or declared | reject('in', lists + ['exact']) | list -%}
        {%- do problems.append('has other keys than counts, parts, money, measures, exact') -%}
    {%- else -%}
        {%- for key in lists -%}
            {%- set names = declared[key] or [] -%}
            {%- if names is string or names is mapping or names is not iterable -%}
                {%- do problems.append(key ~ ' is not a list') -%}
            {%- else -%}
                {%- do named.extend(names) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not declared.counts -%}
            {%- do problems.append('names no counts') -%}
        {%- endif -%}
        {%- set exact = declared.exact or {} -%}
        {%- if exact is not mapping -%}
            {%- do problems.append('exact is not a mapping of columns to values') -%}
        {%- else -%}
            {%- for column, values in exact.items() -%}
                {%- if values is string or values is mapping or values is not iterable -%}
                    {%- do problems.append('exact.' ~ column ~ ' is not a list') -%}
                {%- endif -%}
                {%- if column not in types -%}
                    {%- do problems.append('names an unknown column ' ~ column) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
        {%- for name in named if name not in types -%}
            {%- do problems.append('names an unknown column ' ~ name) -%}
        {%- endfor -%}
        {%- for name, data_type in types.items() -%}
            {%- if (name in (declared.counts or []) or name in (declared.parts or []))
                and data_type not in whole_numbers -%}
                {%- do problems.append(name ~ ' is not of a type of counts') -%}
            {%- endif -%}
            {%- if name in (declared.money or []) and data_type != 'numeric' -%}
                {%- do problems.append(name ~ ' is not of a type of money') -%}
            {%- endif -%}
            {%- if name not in named and 'patient' in name and data_type in whole_numbers -%}
                {%- do problems.append('forgets ' ~ name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
