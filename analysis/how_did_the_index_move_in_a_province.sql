-- How the index moved between the first and the last year in the cities of one province, largest gain first.
with city_years as (

    select * from {{ ref('fct_study_panel') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

final as (

    select
        cities.city_name_zh,
        city_years.pilot_group,
        arg_min(city_years.nqp, city_years.year) as first_index,
        arg_max(city_years.nqp, city_years.year) as last_index,
        last_index - first_index as gain,
        rank() over (order by last_index desc) as last_rank
    from city_years
    inner join cities on city_years.adcode = cities.adcode
    where cities.province_zh = '江苏省' and city_years.in_sample
    group by cities.city_name_zh, city_years.pilot_group
    order by gain desc

)

select * from final
