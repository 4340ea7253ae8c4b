-- Every unmapped study is in a finding: data_findings counts as many as fct_studies holds. Unmapped
-- studies stay outside ratios, so what is not listed would be lost without a word.
with

studies as (

    select * from {{ ref('fct_studies') }}

),

findings as (

    select * from {{ ref('data_findings') }}

),

listed as (

    select coalesce(sum(study_count), 0) as listed_count
    from findings
    where finding = 'unmapped_exam_code'

),

unmapped as (

    select count(*) as unmapped_count
    from studies
    where requirement_status = 'unmapped'

),

final as (

    select
        unmapped.unmapped_count,
        listed.listed_count
    from unmapped
    cross join listed
    where unmapped.unmapped_count <> listed.listed_count

)

select * from final
