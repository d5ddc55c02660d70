-- The weights of the Goodman-Bacon decomposition sum to 1, and the weighted sum is the two-way fixed effects estimate.
with decomposition as (

    select * from {{ ref('bacon_decomposition') }}

),

pairs as (

    select
        spec_id,
        sum(weight) as total_weight,
        sum(weight * estimate) as weighted_sum
    from decomposition
    where level = 'pair' and status = 'ok'
    group by spec_id

),

totals as (

    select
        spec_id,
        max(twfe_estimate) as twfe_estimate
    from decomposition
    where level = 'group' and comparison = 'weighted_total'
    group by spec_id

)

select pairs.*
from pairs
inner join totals on pairs.spec_id = totals.spec_id
where
    abs(pairs.total_weight - 1) > 1e-10
    or abs(pairs.weighted_sum - totals.twfe_estimate) > 1e-10
