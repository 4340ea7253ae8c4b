{#
    A query that gives each total of a relation a row of its own (part, measure, total).

    totals: relation or CTE with a column part and one for each measure of reconciled_totals.
#}
{% macro totals_by_measure(totals) -%}
    {%- for measure in ['encounter_count', 'patient_count', 'procedure_count', 'procedure_cost',
        'claim_cost', 'payer_coverage'] -%}
        select
            part,
            '{{ measure }}' as measure,
            {{ measure }}::numeric as total
        from {{ totals }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
{%- endmacro %}
