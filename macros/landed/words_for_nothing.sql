{# Words that programs write where there is no value; they count as empty. #}
{% macro words_for_nothing() -%}
    {{ return(['NULL', 'N/A', '#N/A', 'None', '(null)', '-']) }}
{%- endmacro %}
