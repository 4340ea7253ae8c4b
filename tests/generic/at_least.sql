{#
    Fails for each row whose value is below the minimum. A null passes: whether a value may be missing
    is for not_null to say.

    minimum: number.
#}
{% test at_least(model, column_name, minimum) %}

    select {{ column_name }} as value_below_minimum
    from {{ model }}
    where {{ column_name }} < {{ minimum }}

{% endtest %}
