with cities as (

    select * from {{ ref('stg_cities') }}

),

panel as (

    select * from {{ ref('stg_panel') }}

),

resource_based_cities as (

    select * from {{ ref('resource_based_cities') }}

),

central_cities as (

    select * from {{ ref('central_cities') }}

),

terrain_relief as (

    select * from {{ ref('terrain_relief') }}

),

final as (

    select
        cities.adcode,
        resource_based_cities.class_en as resource_class,
        coalesce(
            list_contains(
                string_split({{ setting('resource_city_classes') }}, ' '), resource_based_cities.class_en
            ),
            false
        ) as is_resource_based,
        central_cities.adcode is not null as is_central,
        if(isfinite(terrain_relief.relief_proxy), terrain_relief.relief_proxy, null) as terrain_relief_proxy
    from cities
    left join resource_based_cities on cities.adcode = resource_based_cities.adcode
    left join central_cities on cities.adcode = central_cities.adcode
    left join terrain_relief on cities.adcode = terrain_relief.adcode
    where cities.is_prefecture_city_or_above or cities.adcode in (select panel.adcode from panel)
    order by cities.adcode

)

select * from final
