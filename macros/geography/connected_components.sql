{#
    CTEs of a query that give each node the smallest node that it is connected to; the last one is
    `components`, columns node, smallest (integer both).

    nodes: relation with columns node and smallest, at first each node itself or what an earlier search
    found. links: relation with columns node_a, node_b, each link in both directions.

    Every round takes the smallest that a neighbour knows, and then what that one knows, so that numbers
    travel ever further: the work is rounds × links, also where one component holds everything. A
    test on the model must show that no link joins two components.
#}
{% macro connected_components(nodes, links, rounds=24) -%}
    {%- for round in range(1, rounds + 1) %}
    {%- set before = nodes if loop.first else 'settled_' ~ (round - 1) %}
    hooked_{{ round }} as (

        select
            known.node,
            least(known.smallest, min(neighbours.smallest)) as smallest
        from {{ before }} as known
        left join {{ links }} as linked
            on known.node = linked.node_a
        left join {{ before }} as neighbours
            on linked.node_b = neighbours.node
        group by known.node, known.smallest

    ),

    settled_{{ round }} as (

        select
            hooked.node,
            least(hooked.smallest, further.smallest) as smallest
        from hooked_{{ round }} as hooked
        inner join hooked_{{ round }} as further
            on hooked.smallest = further.node

    ),
    {% endfor %}
    components as (

        select
            node,
            smallest
        from settled_{{ rounds }}

    )
{%- endmacro %}
