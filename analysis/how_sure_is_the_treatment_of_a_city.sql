-- Every treated city with its first year, how sure the list is, and where it comes from.
with city_policy as (

    select * from {{ ref('fct_city_policy') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

final as (

    select
        city_policy.policy_id,
        cities.city_name_zh,
        city_policy.first_treated_year,
        city_policy.confidence,
        city_policy.source
    from city_policy
    inner join cities on city_policy.adcode = cities.adcode
    where city_policy.first_treated_year is not null and city_policy.in_sample
    order by city_policy.confidence desc, city_policy.policy_id, cities.city_name_zh

)

select * from final
