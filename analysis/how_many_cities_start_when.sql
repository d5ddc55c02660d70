-- Sample cities that join each programme by year, and how many of the sample have joined by then.
with city_policy as (

    select * from {{ ref('fct_city_policy') }}

),

policies as (

    select * from {{ ref('dim_policy') }}

),

cohorts as (

    select
        city_policy.policy_id,
        city_policy.first_treated_year,
        count(*) as n_starting
    from city_policy
    where city_policy.in_sample and city_policy.first_treated_year is not null
    group by city_policy.policy_id, city_policy.first_treated_year

),

final as (

    select
        policies.name_en,
        cohorts.first_treated_year,
        cohorts.n_starting,
        sum(cohorts.n_starting) over (
            partition by cohorts.policy_id order by cohorts.first_treated_year
        )::bigint as n_so_far
    from cohorts
    inner join policies on cohorts.policy_id = policies.policy_id
    where policies.role = 'study'
    order by policies.name_en, cohorts.first_treated_year

)

select * from final
