with

judged as (

    select * from {{ ref('int_homes_near_by_chance') }}

),

groups as (

    select * from {{ ref('int_cells_grouped') }}

),

links as (

    select *
    from {{ ref('int_cells_linked') }}
    where in_shuffles <> {{ no_shuffle() }}

),

nodes as (

    select
        groups.group_number as node,
        groups.radius_km,
        bit_or(judged.core_in) as in_shuffles
    from judged
    inner join groups
        on
            judged.radius_km = groups.radius_km
            and judged.cell_number = groups.cell_number
    where judged.core_in <> {{ no_shuffle() }}
    group by groups.group_number, groups.radius_km

),

{{ components_at_once('nodes', 'links') }},

unfinished as (

    select count(*) > 0 as is_unfinished
    from links_left

),

final as (

    select
        nodes.radius_km,
        roots.node,
        roots.in_shuffles::bit varying as in_shuffles,
        unfinished.is_unfinished
    from roots
    inner join nodes
        on roots.node = nodes.node
    cross join unfinished

)

select * from final
