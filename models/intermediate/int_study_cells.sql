with cells as (

    select * from {{ ref('cln_cell_values') }}

),

series as (

    select * from {{ ref('series') }}

),

cities as (

    select * from {{ ref('stg_cities') }}

),

-- The study reads one scope per input: 全市 for nearly all, 市辖区 where nothing else is printed.
usable_cells as (

    select cells.*
    from cells
    inner join series
        on
            cells.series = series.series
            and cells.scope = series.scope
    where cells.cell_status in ('printed', 'corrected', 'missing')

),

-- Gross regional product divided by product per capita gives the residents by whom the yearbook divided.
implied_residents as (

    select
        per_capita.* replace (
            'resident_population_implied' as series,
            product.cell_text || ' / ' || per_capita.cell_text as cell_text,
            null as printed_value,
            -- 10,000 CNY / CNY per person
            10000 * product.value / per_capita.value as value,
            'persons' as unit,
            if('corrected' in (product.cell_status, per_capita.cell_status), 'corrected', 'printed') as cell_status,
            product.header || ' / ' || per_capita.header as header
        )
    from usable_cells as per_capita
    inner join usable_cells as product
        on
            per_capita.part_adcode = product.part_adcode
            and per_capita.data_year = product.data_year
            and per_capita.source = product.source
    where
        per_capita.series = 'gdp_per_capita'
        and product.series = 'gdp'
        and per_capita.value > 0
        and product.value > 0

),

-- In some years the yearbook divided by registered persons (data year 2013 does): such a year implies no residents.
years_by_registered_persons as (

    select
        implied_residents.data_year,
        implied_residents.source,
        median(abs(implied_residents.value / registered.value - 1)) as median_distance
    from implied_residents
    inner join usable_cells as registered
        on
            implied_residents.part_adcode = registered.part_adcode
            and implied_residents.data_year = registered.data_year
            and implied_residents.source = registered.source
    where registered.series in ('registered_population', 'average_population') and registered.value > 0
    group by implied_residents.data_year, implied_residents.source, registered.series
    having median_distance < 0.01

),

-- A province's count is not the count of each of its cities. An index or a rate of the province may stand for them.
of_a_province as (

    select
        usable_cells.*,
        case
            when
                series.additive
                and usable_cells.source = 'supplementary'
                and usable_cells.city_raw in (
                    '100000', '全国', cities.province_code, cities.province_zh,
                    regexp_replace(cities.province_zh, '(壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$', '')
                )
                and usable_cells.city_raw not in (cities.adcode, cities.city_name_zh, cities.city_name_short)
                then
                    'the value of ' || usable_cells.city_raw || ' cannot stand for each of its cities, because '
                    || usable_cells.series || ' is additive'
        end as unfit_reason
    from usable_cells
    inner join series on usable_cells.series = series.series
    left join cities on usable_cells.part_adcode = cities.adcode

),

final as (

    select * from of_a_province

    union all by name

    select
        implied_residents.*,
        if(
            (implied_residents.data_year, implied_residents.source) in (
                select (data_year, source) from years_by_registered_persons
            ),
            'gross regional product per capita of ' || implied_residents.data_year
            || ' is the product divided by registered persons, so it implies no residents',
            null
        ) as unfit_reason
    from implied_residents

)

select * from final
