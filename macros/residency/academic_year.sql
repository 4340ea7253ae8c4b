{#
    The academic year of a timestamptz expression as text, `2018-2019`: from 1 July 00:00 to the next
    1 July 00:00, half-open, by the clock of the domain's source_time_zone. Null for null.
#}
{% macro academic_year(expression, domain) -%}
    {%- set local_time = time_in_zone(expression, var('source_time_zone')[domain]) -%}
    {%- set first_year -%}
        (
            extract(year from {{ local_time }})
            - case when extract(month from {{ local_time }}) < 7 then 1 else 0 end
        )::integer
    {%- endset -%}
    {{ first_year }}::text || '-' || ({{ first_year }} + 1)::text
{%- endmacro %}
