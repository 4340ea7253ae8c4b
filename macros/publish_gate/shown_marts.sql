{#
    The marts that patients are behind, for tests that walk over all of them: mappings of name,
    relation, columns (name and data_type without precision, scope_id left out), key (columns of the
    primary key, scope_id left out), is_scoped, is_own (a reader's own rows) and disclosure
    (config.meta.disclosure). Empty while dbt parses.

    dbt has to know before it runs what a test reads, so the names are listed. A public mart outside
    residency that is not here fails the test assert_only_listed_columns_are_shown.
#}
{% macro shown_marts() -%}
    {%- set names = [
        'client_coverage', 'client_specialties', 'encounter_extract', 'hospital_activity',
        'monthly_activity', 'patient_activity', 'patient_extract', 'procedure_extract',
        'procedure_summary', 'top_procedure_overlap', 'top_procedure_patients',
        'extract_coverage', 'extract_encounters', 'extract_patients', 'extract_procedures',
        'restricted_payer_summary',
        'area_procedure_association', 'client_patients_by_area', 'management_coverage',
        'management_data_findings', 'unaffiliated_by_area', 'unaffiliated_nearness',
        'unaffiliated_patient_clusters',
    ] -%}
    {%- set marts = [] -%}
    {%- for name in names -%}
        {%- set relation = ref(name) -%}
        {%- if execute -%}
            {%- set node = graph.nodes['model.casebook.' ~ name] -%}
            {%- set readers = (node.config.meta.readers or {}).values() | list -%}
            {%- set columns = [] -%}
            {%- set key = [] -%}
            {%- for column in node.columns.values() if column.name != 'scope_id' -%}
                {%- do columns.append({
                    'name': column.name, 'data_type': column.data_type.split('(')[0]
                }) -%}
                {%- if 'primary_key' in column.constraints | map(attribute='type') -%}
                    {%- do key.append(column.name) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- for constraint in node.constraints if constraint.type == 'primary_key' -%}
                {%- do key.extend(constraint.columns | reject('equalto', 'scope_id')) -%}
            {%- endfor -%}
            {%- do marts.append({
                'name': name,
                'relation': relation,
                'columns': columns,
                'key': key,
                'is_scoped': 'scope' in readers,
                'is_own': 'scope' in readers or 'own' in readers,
                'disclosure': node.config.meta.disclosure,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(marts) }}
{%- endmacro %}
