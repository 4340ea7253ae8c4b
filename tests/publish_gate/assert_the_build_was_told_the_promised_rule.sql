-- Readers are promised that 1 to 10 patients are never counted, and that money is hidden where two
-- patients hold more than nine tenths of it. A build that was told less shows 5 patients as 10, as
-- 11 are: its rows look well. So the promise is written here, and on purpose not read from the
-- variables.
with

told as (

    select
        {{ var('min_cell_size') }} as min_cell_size,
        {{ var('dominance_share') }} as dominance_share

),

final as (

    select *
    from told
    where
        min_cell_size < 11
        or dominance_share > 0.9

)

select * from final
