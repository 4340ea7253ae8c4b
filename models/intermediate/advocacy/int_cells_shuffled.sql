{{ config(post_hook='analyze {{ this }}') }}

with

homes as (

    select * from {{ ref('int_homes_shuffled') }}

),

cells as (

    select
        cell_number,
        cell_row,
        cell_column,
        column_reach,
        count(*) as home_count,
        bit_or(client_in) as client_in,
        sum(unaffiliated_in_each) as unaffiliated_in_each
    from homes
    group by cell_number, cell_row, cell_column, column_reach

),

final as (

    select
        cell_number,
        cell_row,
        cell_column,
        column_reach,
        -- With enough of both in every shuffle, each home has all that it needs in its own cell.
        case
            when home_count <= {{ var('cluster_min_patients') }} then false
            else
                client_in = {{ every_shuffle() }}
                and {{ shuffles_with('unaffiliated_in_each', var('cluster_min_patients')) }}
                = {{ every_shuffle() }}
        end as is_full
    from cells

)

select * from final
