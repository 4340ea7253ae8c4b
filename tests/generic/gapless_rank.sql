{#
    Fails for each group whose ranks are not exactly 1, 2, … up to its number of rows: a gap would
    tell a reader that something ranked there was left out.

    partition_by: column that names the group.
#}
{% test gapless_rank(model, column_name, partition_by) %}

    select
        {{ partition_by }},
        count(*) as row_count
    from {{ model }}
    group by {{ partition_by }}
    having
        count(distinct {{ column_name }}) <> count(*)
        or min({{ column_name }}) <> 1
        or max({{ column_name }}) <> count(*)

{% endtest %}
