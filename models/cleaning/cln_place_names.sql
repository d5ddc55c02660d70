with prefecture_names as (

    select * from {{ ref('prefecture_names') }}

),

city_names as (

    select * from {{ ref('city_names') }}

),

county_level_cities as (

    select * from {{ ref('county_level_cities') }}

),

cities as (

    select * from {{ ref('cities') }}

),

-- The code of a unit may change without the unit: 铜仁地区 is 520600 like 铜仁市. A merged unit keeps its own.
prefectures as (

    select
        *,
        case status when 'left_out' then 'dissolved' when 'ambiguous' then 'ambiguous' else 'city' end as kind,
        case when status in ('current', 'added') then adcode end as place_adcode,
        case status when 'current' then adcode else code end as part_adcode
    from prefecture_names

),

aliases as (

    select
        *,
        case kind when 'province_row' then 'province' when 'total_row' then 'total' else 'city' end as place_kind
    from city_names

),

-- What a name or code may stand for, and the order in which it is tried. Codes occur in supplementary files only;
-- there 全国 is the nation and no total. A code of today is never the code of another unit: it holds for all years.
final as (

    select
        null as source,
        2 as priority,
        name as place,
        kind,
        place_adcode as adcode,
        part_adcode,
        valid_from,
        valid_to
    from prefectures

    union all

    select
        null,
        case place_kind when 'total' then 4 else 3 end,
        city_raw,
        place_kind,
        adcode,
        coalesce(part_adcode, adcode),
        valid_from,
        valid_to
    from aliases

    union all

    select
        null,
        5,
        unnest([name_zh, regexp_replace(name_zh, '市$', '')]),
        'county',
        null,
        null,
        valid_from,
        valid_to
    from county_level_cities

    union all

    select
        'supplementary',
        case form when 'official' then 6 else 7 end,
        code,
        kind,
        place_adcode,
        part_adcode,
        valid_from,
        valid_to
    from prefectures
    where form in ('official', 'former')

    union all

    select
        'supplementary',
        8,
        adcode,
        'city',
        adcode,
        adcode,
        null,
        null
    from cities

    union all

    select distinct
        'supplementary',
        9,
        adcode,
        'province',
        adcode,
        adcode,
        null::integer,
        null::integer
    from aliases
    where place_kind = 'province'

    union all

    select
        'supplementary',
        1,
        unnest(['全国', '100000']),
        'nation',
        '100000',
        '100000',
        null,
        null

)

select * from final
