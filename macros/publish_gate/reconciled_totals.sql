{#
    What a mart of patients sums up to that can be compared with the source: a mapping of measures
    (encounter_count, patient_count, procedure_count, procedure_cost, claim_cost, payer_coverage) to
    SQL expressions. Empty for a mart that counts other people, or that no total can be compared with.

    mart: one of shown_marts.
#}
{% macro reconciled_totals(mart) -%}
    {%- set totals = {} -%}
    {%- set names = mart.columns | map(attribute='name') | list -%}
    {%- if not mart.disclosure -%}
        {%- for measure in ['encounter_count', 'procedure_count', 'procedure_cost', 'claim_cost',
            'payer_coverage'] if measure in names -%}
            {%- do totals.update({measure: 'sum(' ~ measure ~ ')'}) -%}
        {%- endfor -%}
        {%- if 'total_cost' in names -%}
            {%- do totals.update({'procedure_cost': 'sum(total_cost)'}) -%}
        {%- endif -%}
        {%- if mart.key == ['encounter_key'] -%}
            {%- do totals.update({'encounter_count': 'count(*)'}) -%}
        {%- elif mart.key == ['procedure_key'] -%}
            {%- do totals.update({'procedure_count': 'count(*)'}) -%}
        {%- endif -%}
        {#- Patients without a procedure are in marts of encounters alone. -#}
        {%- if mart.key == ['patient_key'] -%}
            {%- do totals.update({'patient_count': 'count(*)'}) -%}
        {%- elif 'encounter_count' in totals -%}
            {%- for key in ['patient_key', 'activity_key'] if key in names -%}
                {%- do totals.update({'patient_count': 'count(distinct ' ~ key ~ ')'}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(totals) }}
{%- endmacro %}
