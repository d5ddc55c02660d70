with places as (

    select * from {{ ref('cln_places') }}

),

cities as (

    select * from {{ ref('cities') }}

),

-- Totals, dissolved units and the yearbook's province rows are known and stand for no city.
own_places as (

    select
        data_year,
        source,
        place_raw,
        kind,
        1 as breadth,
        adcode,
        part_adcode
    from places
    where kind not in ('province', 'nation', 'total', 'dissolved')

),

-- In supplementary files a province or the nation stands for its cities.
spread_places as (

    select
        places.data_year,
        places.source,
        places.place_raw,
        places.kind,
        case places.kind when 'province' then 2 else 3 end as breadth,
        cities.adcode,
        cities.adcode as part_adcode
    from places
    inner join cities on places.kind = 'nation' or left(cities.adcode, 2) = left(places.adcode, 2)
    where places.source = 'supplementary' and places.kind in ('province', 'nation')

),

final as (

    select * from own_places
    union all
    select * from spread_places

)

select * from final
