-- Table 3 with both variance estimators side by side: what the paper prints and what one should read.
with comparison as (

    select * from {{ ref('coefficient_comparison') }}

),

final as (

    select
        column_no,
        paper_term,
        max(estimate) as estimate,
        max(t_stat) filter (vcov = 'iid') as t_iid,
        max(t_stat) filter (vcov = 'CRV1') as t_clustered,
        max(p_value) filter (vcov = 'CRV1') as p_clustered,
        max(published_estimate) as published_estimate,
        max(published_t_stat) as published_t_stat
    from comparison
    where paper_table = '3'
    group by column_no, paper_term
    order by column_no, paper_term

)

select * from final
