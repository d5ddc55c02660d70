with indicators as (

    select * from {{ ref('indicators') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

variables as (

    select * from {{ ref('variables') }}

),

named as (

    select numerator as quantity from indicators
    union
    select denominator from indicators
    union
    select numerator from coupling_components
    union
    select denominator from coupling_components
    union
    select unnest(string_split(required_quantities, ' ')) from variables

),

final as (

    select quantity
    from named
    where quantity is not null
    order by quantity

)

select * from final
