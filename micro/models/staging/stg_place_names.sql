-- One row per name of a province, a prefecture-level unit or a county-level unit, and span of years.
with provinces as (

    select * from {{ source('inputs', 'input_city_names') }}

),

prefectures as (

    select * from {{ source('inputs', 'input_prefecture_names') }}

),

counties as (

    select * from {{ source('inputs', 'input_county_names') }}

),

unioned as (

    select
        'province' as level,
        city_raw as name,
        adcode as province_code,
        cast(null as {{ text_type() }}) as adcode,
        0 as is_ambiguous,
        case when city_raw like '%省' or city_raw like '%自治区' then 1 else 0 end as is_official,
        1 as valid_from,
        9999 as valid_to
    from provinces
    where kind = 'province_row'
    union all
    -- 吉林 and 海南 alone are also other places, and so no short names of provinces there; before a city they are.
    select
        'province' as level,
        substr(city_raw, 1, length(city_raw) - 1) as name,
        adcode as province_code,
        cast(null as {{ text_type() }}) as adcode,
        0 as is_ambiguous,
        0 as is_official,
        1 as valid_from,
        9999 as valid_to
    from provinces
    where kind = 'province_row' and city_raw in ('吉林省', '海南省')
    union all
    -- A municipality is its own province.
    select
        'province' as level,
        name,
        adcode as province_code,
        cast(null as {{ text_type() }}) as adcode,
        0 as is_ambiguous,
        case when form = 'short' then 0 else 1 end as is_official,
        cast(valid_from as integer) as valid_from,
        coalesce(cast(valid_to as integer), 9999) as valid_to
    from prefectures
    where adcode in ('110000', '120000', '310000', '500000') and status = 'current'
    union all
    select
        'prefecture' as level,
        name,
        substr(coalesce(adcode, code), 1, 2) || '0000' as province_code,
        case when status in ('current', 'added') then adcode end as adcode,
        case when status = 'ambiguous' then 1 else 0 end as is_ambiguous,
        case when form = 'short' then 0 else 1 end as is_official,
        cast(valid_from as integer) as valid_from,
        coalesce(cast(valid_to as integer), 9999) as valid_to
    from prefectures
    union all
    select
        'county' as level,
        name,
        province_code,
        adcode,
        0 as is_ambiguous,
        1 as is_official,
        cast(valid_from as integer) as valid_from,
        coalesce(cast(valid_to as integer), 9999) as valid_to
    from counties

)

select * from unioned
