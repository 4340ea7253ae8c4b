{#
    A query of what is to be compared of marts: one row per mart and measure (relation_name, measure),
    also of marts without rows.

    marts: some of shown_marts.
#}
{% macro measured_marts(marts) -%}
    {%- set queries = [] -%}
    {%- for mart in marts -%}
        {%- for measure in reconciled_totals(mart) -%}
            {%- do queries.append(
                "select '" ~ mart.name ~ "' as relation_name, '" ~ measure ~ "' as measure"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ queries | join('\nunion all\n') }}
{%- endmacro %}
