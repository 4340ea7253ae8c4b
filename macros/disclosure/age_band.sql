{#
    Ten-year band of the completed years between two dates (text): '0-9' to '80-89', and '90+' for all
    who are older, which the Safe Harbor rule asks for. Null when either date is; a date before
    birth counts as age 0.
#}
{% macro age_band(born_on, on_date) -%}
    {%- set years = completed_years(born_on, on_date) -%}
    case
        when {{ years }} >= 90 then '90+'
        when {{ years }} >= 0
            then
                (floor({{ years }} / 10.0) * 10)::integer::text
                || '-' || (floor({{ years }} / 10.0) * 10 + 9)::integer::text
        when {{ years }} < 0 then '0-9'
    end
{%- endmacro %}
