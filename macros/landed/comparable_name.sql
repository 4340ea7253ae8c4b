{# A column's name without what a header or a landed table may vary: case, blanks, hyphens, underscores. #}
{% macro comparable_name(name) -%}
    {{ return(name | lower | replace('_', '') | replace(' ', '') | replace('-', '')) }}
{%- endmacro %}
