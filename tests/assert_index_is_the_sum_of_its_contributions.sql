-- Accounting identities of the index: the weights sum to 1, the index is the sum of the contributions, and the
-- dimension scores, each weighted by the weights of its indicators, add up to the index again.
with city_years as (

    select * from {{ ref('fct_city_year') }}

),

contributions as (

    select * from {{ ref('fct_city_year_indicator') }}

),

dim_indicator as (

    select * from {{ ref('dim_indicator') }}

),

dimension_weights as (

    select
        coalesce(sum(weight) filter (dimension = 'labor'), 0) as labor,
        coalesce(sum(weight) filter (dimension = 'means_of_labor'), 0) as means_of_labor,
        coalesce(sum(weight) filter (dimension = 'objects_of_labor'), 0) as objects_of_labor,
        coalesce(sum(weight) filter (dimension = 'optimal_combination'), 0) as optimal_combination,
        sum(weight) as total
    from dim_indicator

),

sums as (

    select
        adcode,
        year,
        sum(contribution) as sum_of_contributions
    from contributions
    group by adcode, year

)

select
    city_years.adcode,
    city_years.year,
    city_years.nqp,
    sums.sum_of_contributions
from city_years
inner join sums
    on
        city_years.adcode = sums.adcode
        and city_years.year = sums.year
cross join dimension_weights
where
    city_years.in_sample
    and (
        abs(dimension_weights.total - 1) > 1e-12
        or abs(city_years.nqp - sums.sum_of_contributions) > 1e-12
        or abs(
            city_years.nqp
            - dimension_weights.labor * coalesce(city_years.nqp_labor, 0)
            - dimension_weights.means_of_labor * coalesce(city_years.nqp_means_of_labor, 0)
            - dimension_weights.objects_of_labor * coalesce(city_years.nqp_objects_of_labor, 0)
            - dimension_weights.optimal_combination * coalesce(city_years.nqp_optimal_combination, 0)
        ) > 1e-12
    )
