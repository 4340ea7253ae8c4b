{#
    Pseudonym of a source identifier: 32 hex digits (text), null for null.

    purpose: what the key names (plain text, e.g. 'patient'). owner: SQL expression (text) of whom the
    key is for, a client or an audience. expression: the identifier (text).

    A nested keyed hash, SHA-256(key, SHA-256(key, purpose, owner, identifier)): without the key a
    dictionary of all identifiers finds nothing, and the same identifier has another pseudonym for each
    purpose and owner, so that extracts of two owners cannot be joined.
#}
{% macro pseudonym(purpose, owner, expression) -%}
    {%- set message -%}
        {{ pseudonym_key() }} || chr(31) || '{{ purpose }}' || chr(31) || {{ owner }}
        || chr(31) || {{ expression }}
    {%- endset -%}
    {{ return("left(" ~ sha256_hex(pseudonym_key() ~ " || chr(31) || " ~ sha256_hex(message)) ~ ", 32)") }}
{%- endmacro %}
