-- What does a city policy do to firms? 40,000 simulated firms in the real cities, with an effect of 0.1 planted.
-- The result is the input of read_moments (city_policy.estimation.large_panels.database_cross_products); see
-- docs/large-panels.md.
-- Put your own firm panel in the place of simulated_firms: the result stays as small with 100 million rows.
with policies as (

    select * from {{ ref('fct_city_policy') }}

),

cities as (

    select
        adcode,
        first_treated_year,
        row_number() over (order by adcode) - 1 as position,
        count(*) over () as n_cities
    from policies
    where policy_id = 'bcs'

),

firms as (

    select
        firm,
        cities.adcode,
        cities.first_treated_year,
        -- A draw from 0 to 1 that is the same on every machine.
        md5_number_lower('effect ' || firm) / 18446744073709551616 as firm_effect
    from range(40000) as numbers (firm)
    inner join cities on numbers.firm % cities.n_cities = cities.position

),

firm_years as (

    select
        firms.*,
        years.year,
        coalesce(years.year >= firms.first_treated_year, false)::integer as treated,
        md5_number_lower('age ' || firms.firm || ' ' || years.year) / 18446744073709551616 as age,
        md5_number_lower('noise ' || firms.firm || ' ' || years.year) / 18446744073709551616 as noise,
        md5_number_lower('shock ' || firms.adcode || ' ' || years.year) / 18446744073709551616 as shock
    from firms
    cross join range(2011, 2022) as years (year)

),

-- One row in nine is absent: firms enter and leave.
simulated_firms as (

    select
        firm,
        adcode,
        year,
        treated,
        age,
        0.1 * treated + 0.5 * age + 3 * firm_effect + 0.02 * (year - 2011) + noise + 0.2 * shock as sales
    from firm_years
    where md5_number_lower('present ' || firm || ' ' || year) % 9 > 0

),

final as (

    {{ cluster_moments('simulated_firms', 'firm', 'adcode', 'year', 'sales', ['treated', 'age']) | indent(4) }}

)

select * from final
