{#
    Key of a row from some of its values: SHA-256 as 64 hex digits (text), never null.

    columns: list of expressions; each is cast to text. Give a timestamptz through utc_text(), whose
    result does not depend on the session.

    Different values give different keys: values are joined with the unit separator, chr(31), which is
    doubled inside a value; a value starts with `=` and a null is a bare `-`, so that neither an empty
    text nor any other can pass for a null, nor move into the neighbouring column.
#}
{% macro surrogate_key(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- set value = "replace((" ~ column ~ ")::text, chr(31), chr(31) || chr(31))" -%}
        {%- do parts.append("coalesce('=' || " ~ value ~ ", '-')") -%}
    {%- endfor -%}
    {{ return(sha256_hex(parts | join(" || chr(31) || "))) }}
{%- endmacro %}
