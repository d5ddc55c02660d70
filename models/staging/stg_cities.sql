with cities as (

    select * from {{ ref('cities') }}

),

final as (

    select
        adcode,
        name_zh as city_name_zh,
        name_short as city_name_short,
        name_en as city_name_en,
        left(adcode, 2) || '0000' as province_code,
        province_zh,
        province_en,
        region,
        type as city_type,
        is_prefecture_city_or_above = 1 as is_prefecture_city_or_above,
        type = 'municipality' as is_municipality,
        is_provincial_capital = 1 as is_provincial_capital,
        lon_gcj02 as longitude_gcj02,
        lat_gcj02 as latitude_gcj02,
        polygon_area_km2
    from cities

)

select * from final
