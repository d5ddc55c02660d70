with indicators as (

    select * from {{ ref('stg_indicators') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

named as (

    select numerator as measure from indicators
    union
    select denominator from indicators
    union
    select numerator from coupling_components
    union
    select denominator from coupling_components
    union
    select unnest(string_split(required_measures, ' ')) from variables
    union
    -- What every panel is described by.
    select unnest(['population', 'gdp', 'land_area'])

),

final as (

    select measure
    from named
    where measure is not null
    order by measure

)

select * from final
