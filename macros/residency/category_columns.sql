{#
    The category columns of a wide case-log report, in order: every column of its contract but
    resident_name. A new category is therefore a row in the seed and a column in three contracts;
    assert_case_log_columns_match_categories fails while the two differ.

    contract: the `columns` of the model that asks. A unit test knows no contract and overrides this
    macro with its own list.
#}
{% macro category_columns(contract) -%}
    {{ return(contract.keys() | reject('equalto', 'resident_name') | list) }}
{%- endmacro %}
