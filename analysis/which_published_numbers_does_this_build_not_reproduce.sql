-- Coefficients of the paper that lie further from ours than two published standard errors, largest distance first.
with scorecard as (

    select * from {{ ref('replication_scorecard') }}

),

final as (

    select
        table_no,
        panel,
        column_no,
        subject,
        published_value,
        our_value,
        our_value - published_value as difference,
        published_significance,
        our_significance_clustered,
        is_slip_of_the_paper
    from scorecard
    where kind = 'coefficient' and not agrees
    order by abs(our_value / published_value - 1) desc, check_id

)

select * from final
