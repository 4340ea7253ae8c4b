{#
    Fails for each reason for which a model landed_<domain>_verdicts refuses records. Staging waits for
    it: records that break a rule are not built any further.
#}
{% test keeps_rules(model) %}

    select
        table_name,
        column_name,
        reason
    from {{ model }}
    where is_refused

{% endtest %}
