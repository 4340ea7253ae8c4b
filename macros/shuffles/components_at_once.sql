{#
    CTEs of a query that find the connected components of as many graphs as there are shuffles, all at
    once; the last ones are `roots` (node, in_shuffles), which has one node of each component of each
    graph, and `links_left`, which must have no row.

    nodes: relation with columns node (integer) and in_shuffles, the shuffles in whose graph the node is.
    links: relation with columns node_a, node_b and in_shuffles, each link in both directions and in
    no shuffle without both of its nodes.

    Each round moves every node to the smallest of itself and its neighbours, in each shuffle to another
    one if need be, and links with it; that keeps apart what is apart and together what is together.
    Numbers should have nothing to do with places: then a round leaves about half of the nodes or fewer.
#}
{% macro components_at_once(nodes, links, rounds=24) -%}
    {%- for round in range(1, rounds + 1) %}
    {%- set nodes_before = nodes if loop.first else 'nodes_' ~ (round - 1) %}
    {%- set links_before = links if loop.first else 'links_' ~ (round - 1) %}
    choices_{{ round }} as (

        select
            node_a as node,
            node_b as smaller,
            in_shuffles
        from {{ links_before }}
        where node_b < node_a

        union all

        select
            node,
            node as smaller,
            in_shuffles
        from {{ nodes_before }}

    ),

    tried_{{ round }} as (

        select
            node,
            smaller,
            in_shuffles & ~ coalesce(
                bit_or(in_shuffles) over (
                    partition by node
                    order by smaller
                    rows between unbounded preceding and 1 preceding
                ),
                {{ no_shuffle() }}
            ) as in_shuffles
        from choices_{{ round }}

    ),

    moves_{{ round }} as materialized (

        select *
        from tried_{{ round }}
        where in_shuffles <> {{ no_shuffle() }}

    ),

    nodes_{{ round }} as materialized (

        select
            smaller as node,
            bit_or(in_shuffles) as in_shuffles
        from moves_{{ round }}
        group by smaller

    ),

    moved_{{ round }} as (

        select
            moves_a.smaller as node_a,
            moves_b.smaller as node_b,
            linked.in_shuffles & moves_a.in_shuffles & moves_b.in_shuffles as in_shuffles
        from {{ links_before }} as linked
        inner join moves_{{ round }} as moves_a
            on linked.node_a = moves_a.node
        inner join moves_{{ round }} as moves_b
            on linked.node_b = moves_b.node
        where moves_a.smaller <> moves_b.smaller

    ),

    links_{{ round }} as materialized (

        select
            node_a,
            node_b,
            bit_or(in_shuffles) as in_shuffles
        from moved_{{ round }}
        where in_shuffles <> {{ no_shuffle() }}
        group by node_a, node_b

    ),
    {% endfor %}
    roots as (

        select
            node,
            in_shuffles
        from nodes_{{ rounds }}

    ),

    links_left as (

        select
            node_a,
            node_b
        from links_{{ rounds }}

    )
{%- endmacro %}
