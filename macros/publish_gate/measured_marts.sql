{#
    A query of what is to be compared of marts: one row per mart and measure (relation_name, measure,
    is_taken_apart), also of marts without rows.

    marts: some of shown_marts. by_mart: as for summed_marts; is_taken_apart says of which marts it tells.
#}
{% macro measured_marts(marts, by_mart={}) -%}
    {%- set queries = [] -%}
    {%- for mart in marts -%}
        {%- for measure in reconciled_totals(mart) -%}
            {%- set query -%}
                select
                    '{{ mart.name }}' as relation_name,
                    '{{ measure }}' as measure,
                    {{ mart.name in by_mart }} as is_taken_apart
            {%- endset -%}
            {%- do queries.append(query) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ queries | join('\nunion all\n') }}
{%- endmacro %}
