{#
    The secret that pseudonyms are made with (text): what the session's setting
    casebook.pseudonym_key holds, which the runner passes when it connects and no log shows. Without it,
    the fixed development key, which is no secret: the publisher refuses what was built with that from
    anything but the sample.

    Unit tests always have the development key, so that they may expect pseudonyms.
#}
{% macro pseudonym_key() -%}
    {%- set development_key =
        dbt.string_literal('6465762d6b65792d6f662d63617365626f6f6b2d6e6f742d612d736563726574')
    -%}
    {%- if model is defined and model.resource_type == 'unit_test' -%}
        {{ return(development_key) }}
    {%- else -%}
        {{ return(
            "coalesce(nullif(current_setting('casebook.pseudonym_key', true), ''), "
            ~ development_key ~ ")"
        ) }}
    {%- endif -%}
{%- endmacro %}
