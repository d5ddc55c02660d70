-- One city beside the mean of its province and its rank in it, for the index and its four dimensions, in the last year.
with city_years as (

    select * from {{ ref('fct_study_panel') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

scores as (

    unpivot (
        select
            city_years.adcode,
            city_years.province_code,
            city_years.nqp,
            city_years.nqp_labor,
            city_years.nqp_means_of_labor,
            city_years.nqp_objects_of_labor,
            city_years.nqp_optimal_combination
        from city_years
        where city_years.in_sample and city_years.year = (select max(year) from city_years)
    )
    on columns(* exclude (adcode, province_code)) into name score value value

),

ranked as (

    select
        adcode,
        score,
        value,
        avg(value) over (partition by province_code, score) as province_mean,
        rank() over (partition by province_code, score order by value desc) as rank_in_province,
        count(*) over (partition by province_code, score) as n_cities_in_province
    from scores

),

final as (

    select
        cities.city_name_zh,
        ranked.score,
        ranked.value,
        ranked.province_mean,
        ranked.rank_in_province,
        ranked.n_cities_in_province
    from ranked
    inner join cities on ranked.adcode = cities.adcode
    where cities.city_name_short = '武汉'
    order by ranked.score

)

select * from final
