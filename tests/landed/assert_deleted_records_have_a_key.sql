-- A record that is marked as deleted takes back the one that it names. In a table without a key it names
-- none: the record that it takes back would still count. Let Airbyte delete rows instead (in its
-- destination, CDC Deletion Mode: Hard delete).
{{ config(enabled='landed' in (var('residency_source'), var('advocacy_source'))) }}

select cast(null as {{ dbt.type_string() }}) as landed_table
where false
{%- for domain, table_name in [
    ('residency', 'studies'), ('residency', 'exam_to_cpt'), ('advocacy', 'procedures')
] %}
    {%- if var(domain ~ '_source') == 'landed' %}
        {%- set relation = source(domain ~ '_landed', table_name) %}
        {%- if execute and landed_columns(domain, table_name).has_deletion %}
union all
select '{{ table_name }}' as landed_table
from {{ relation }}
where _ab_cdc_deleted_at is not null
        {%- endif %}
    {%- endif %}
{%- endfor %}
