with

source as (

    select * from {{ raw_table('residency', 'modalities') }}

),

final as (

    select
        nullif(trim(id), '') as modality_id,
        nullif(trim(modality_code), '') as modality_code
    from source

)

select * from final
