with cities as (

    select * from {{ ref('stg_cities') }}

),

excluded_cities as (

    select * from {{ ref('excluded_cities') }}

),

final as (

    select
        cities.adcode,
        excluded_cities.adcode is null as in_paper_sample,
        excluded_cities.status as exclusion_status,
        excluded_cities.reason as exclusion_reason
    from cities
    left join excluded_cities on cities.adcode = excluded_cities.adcode
    where cities.is_prefecture_city_or_above
    order by cities.adcode

)

select * from final
