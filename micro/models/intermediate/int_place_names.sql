-- What a text means in a year: one row per text and year. An answer is the code of a city, ambiguous (it may be several, or no
-- place at all), or unknown (it belongs to none). The text is all that the columns of province and city hold, or begins an address.
with place_names as (

    select * from {{ ref('stg_place_names') }}

),

years as (

    select *
    from (values {% for year in place_years() %}({{ year }}){{ '' if loop.last else ', ' }}{% endfor %}) as numbers (year)

),

provinces as (

    select * from place_names where level = 'province'

),

units as (

    select * from place_names where level != 'province'

),

texts as (

    -- A district without its city is no place: 南山区 is in Shenzhen and in Hegang. At the beginning of an address a short name, or
    -- a county of two characters, may be a street (北京路, 和县路).
    select
        name,
        case when level = 'county' and name like '%区' then 1 else is_ambiguous end as is_ambiguous,
        case when is_official = 0 or (level = 'county' and length(name) = 2) then 1 else 0 end as may_be_street,
        case when level = 'county' and name like '%区' then null else adcode end as adcode,
        valid_from,
        valid_to
    from units
    union all
    select
        provinces.name || units.name as name,
        units.is_ambiguous,
        case
            when units.is_official = 0 or (provinces.is_official = 0 and length(units.name) = 2) then 1
            else 0
        end as may_be_street,
        units.adcode,
        greatest(provinces.valid_from, units.valid_from) as valid_from,
        least(provinces.valid_to, units.valid_to) as valid_to
    from units
    inner join provinces on units.province_code = provinces.province_code
    union all
    -- The columns of province and city of a municipality's district.
    select
        name || '市辖区' as name,
        0 as is_ambiguous,
        0 as may_be_street,
        province_code as adcode,
        valid_from,
        valid_to
    from provinces
    where province_code in ('110000', '120000', '310000', '500000')

),

by_year as (

    select
        texts.name,
        years.year,
        max(texts.is_ambiguous) as is_ambiguous,
        max(texts.may_be_street) as may_be_street,
        count(distinct coalesce(texts.adcode, '')) as n_meanings,
        max(texts.adcode) as adcode
    from texts
    inner join years on years.year between texts.valid_from and texts.valid_to
    group by texts.name, years.year

),

answered as (

    select
        *,
        case
            when is_ambiguous = 1 or n_meanings > 1 then 'ambiguous'
            else coalesce(adcode, 'unknown')
        end as cell_answer
    from by_year

),

final as (

    select
        name,
        year,
        length(name) as name_length,
        cell_answer,
        case when may_be_street = 1 then 'ambiguous' else cell_answer end as address_answer
    from answered

)

select * from final
