with cities as (

    select * from {{ ref('stg_cities') }}

),

city_groups as (

    select * from {{ ref('int_city_groups') }}

),

sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

final as (

    select
        cities.adcode,
        cities.city_name_zh,
        cities.city_name_short,
        cities.city_name_en,
        cities.province_code,
        cities.province_zh,
        cities.province_en,
        cities.region,
        cities.city_type,
        cities.is_municipality,
        cities.is_provincial_capital,
        city_groups.is_central,
        city_groups.is_resource_based,
        city_groups.resource_class,
        city_groups.terrain_relief_proxy,
        cities.longitude_gcj02,
        cities.latitude_gcj02,
        cities.polygon_area_km2,
        sample_membership.in_sample,
        sample_membership.exclusion_reason
    from cities
    inner join city_groups on cities.adcode = city_groups.adcode
    inner join sample_membership on cities.adcode = sample_membership.adcode
    order by cities.adcode

)

select * from final
