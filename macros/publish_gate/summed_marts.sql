{#
    A query of what marts sum up to: one row per mart, measure of reconciled_totals and part of the mart
    (relation_name, measure, part, total).

    marts: some of shown_marts. part: SQL expression of a row, by which a total is taken apart; by_mart
    has those of marts for which it is another one.
#}
{% macro summed_marts(marts, part, by_mart={}) -%}
    {%- set queries = [] -%}
    {%- for mart in marts -%}
        {%- set names = mart.columns | map(attribute='name') | list -%}
        {%- for measure, total in reconciled_totals(mart).items() -%}
            {%- set query -%}
                select
                    '{{ mart.name }}' as relation_name,
                    '{{ measure }}' as measure,
                    {{ by_mart.get(mart.name, part) }} as part,
                    {{ total }}::numeric as total
                from {{ mart.relation }}
                {#- Encounters of several specialties count once in the row of all. #}
                {% if 'specialty_id' in names and 'encounter_count' in names -%}
                where specialty_id = 'all'
                {% endif -%}
                group by part
            {%- endset -%}
            {%- do queries.append(query) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ queries | join('\nunion all\n') }}
{%- endmacro %}
