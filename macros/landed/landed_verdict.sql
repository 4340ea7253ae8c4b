{# A query for landed_verdicts(): how many rows of `rows`, one of them called child, meet a condition. #}
{% macro landed_verdict(column_name, kind, is_refused, reason, rows, condition) -%}
    select
        {{ dbt.string_literal(column_name) if column_name else 'null' }},
        '{{ kind }}',
        {{ is_refused }},
        {{ dbt.string_literal(reason) }},
        count(*),
        min(child.record_id)
    from {{ rows }}
    where {{ condition }}
{%- endmacro %}
