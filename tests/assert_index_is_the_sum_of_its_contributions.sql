-- Accounting identities of the index: the weights sum to 1, the index is the sum of the contributions, and the
-- dimension scores, each weighted by the weights of its indicators, add up to the index again.
with index_values as (

    select * from {{ ref('int_index') }}

),

dimensions as (

    select * from {{ ref('int_index_dimensions') }}

),

contributions as (

    select * from {{ ref('fct_city_year_indicator') }}

),

dim_indicator as (

    select * from {{ ref('dim_indicator') }}

),

dimension_weights as (

    select
        dimension,
        sum(weight) as weight
    from dim_indicator
    group by dimension

),

total as (

    select sum(weight) as weight from dim_indicator

),

sums as (

    select
        adcode,
        year,
        sum(contribution) as sum_of_contributions
    from contributions
    group by adcode, year

),

sums_of_dimensions as (

    select
        dimensions.adcode,
        dimensions.year,
        sum(dimension_weights.weight * dimensions.value) as sum_of_dimensions
    from dimensions
    inner join dimension_weights on dimensions.dimension = dimension_weights.dimension
    group by dimensions.adcode, dimensions.year

)

select
    index_values.adcode,
    index_values.year,
    index_values.index_value,
    sums.sum_of_contributions,
    sums_of_dimensions.sum_of_dimensions
from index_values
left join sums
    on
        index_values.adcode = sums.adcode
        and index_values.year = sums.year
left join sums_of_dimensions
    on
        index_values.adcode = sums_of_dimensions.adcode
        and index_values.year = sums_of_dimensions.year
cross join total
where
    coalesce(abs(total.weight - 1), 1) > 1e-12
    or coalesce(abs(index_values.index_value - sums.sum_of_contributions), 1) > 1e-12
    or coalesce(abs(index_values.index_value - sums_of_dimensions.sum_of_dimensions), 1) > 1e-12
