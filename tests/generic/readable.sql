{#
    Fails for each row of a model in models/landed whose value in the column could not be read as the
    column's type: the landed table has another text there, or a number or time that is not finite.
#}
{% test readable(model, column_name) %}

    select unreadable_columns
    from {{ model }}
    where position(',{{ column_name }},' in ',' || unreadable_columns || ',') > 0

{% endtest %}
