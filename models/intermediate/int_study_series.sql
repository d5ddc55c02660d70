with needed_measures as (

    select * from {{ ref('int_needed_measures') }}

),

measures as (

    select * from {{ ref('measures') }}

),

series as (

    select * from {{ ref('series') }}

),

-- What the study's own files name.
named as (

    select measure as name from needed_measures
    union
    select series from measures

),

-- What the models of constant prices and the capital stock read.
read_by_models as (

    select unnest([
        'gdp', 'gdp_deflator', 'fixed_asset_investment', 'investment_price_index', 'employees', 'land_area'
    ]) as name

),

final as (

    select series.series
    from series
    where
        series.series in (select named.name from named)
        or series.series in (select read_by_models.name from read_by_models)
    order by series.series

)

select * from final
