with city_policy as (

    select * from {{ ref('fct_city_policy') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

final as (

    select
        city_policy.adcode,
        city_policy.policy_id,
        frame.year,
        city_policy.first_treated_year,
        coalesce(frame.year >= city_policy.first_treated_year, false) as is_treated,
        frame.year - city_policy.first_treated_year as event_time,
        city_policy.in_sample
    from city_policy
    inner join frame on city_policy.adcode = frame.adcode
    order by city_policy.policy_id, city_policy.adcode, frame.year

)

select * from final
