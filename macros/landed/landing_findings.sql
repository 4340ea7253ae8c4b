{#
    A query of the landed tables of a domain that have something to tell but no reason to refuse them: one
    row per table, column and kind, with kind (lost_in_landing, newer_records_left_out), subject,
    row_count and reason. No row where the domain's source is not landed.
#}
{% macro landing_findings(domain) -%}
    {%- set is_landed = var(domain ~ '_source') == 'landed' -%}
    with

    verdicts as (

        {%- if is_landed %}

        select * from {{ ref('landed_' ~ domain ~ '_verdicts') }}
        {%- else %}

        select
            null::text as table_name,
            null::text as column_name,
            null::text as kind,
            null::text as reason,
            0 as record_count
        where false
        {%- endif %}

    )

    select
        case
            when kind in ('not_counted', 'later_left_out') then 'newer_records_left_out'
            else 'lost_in_landing'
        end as kind,
        table_name || coalesce('.' || column_name, '') || coalesce(
            case when kind = 'truncated' then ' (cut off)' end, ''
        ) as subject,
        record_count as row_count,
        reason
    from verdicts
    where
        kind in ('nulled', 'truncated', 'not_counted')
        {#- Of patients the day would be one of whom nobody may see. #}
        {%- if domain == 'residency' %}
        or kind = 'later_left_out'
        {%- endif %}
{%- endmacro %}
