with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

quantities as (

    select * from {{ ref('int_quantities') }}

),

indicators as (

    select * from {{ ref('indicators') }}

),

variables as (

    select * from {{ ref('variables') }}

),

coupling_components as (

    select * from {{ ref('coupling_components') }}

),

needed as (

    select numerator as quantity from indicators
    union
    select denominator from indicators
    union
    select numerator from coupling_components
    union
    select denominator from coupling_components
    union
    select unnest(string_split(required_quantities, ' ')) from variables
    union
    select quantity from quantities

),

frame_size as (

    select count(*) as n_city_years from frame

),

available as (

    select
        quantity,
        count(*) as n_available
    from quantities
    group by quantity

),

final as (

    select
        needed.quantity,
        frame_size.n_city_years,
        coalesce(available.n_available, 0) as n_available,
        coalesce(available.n_available, 0) / frame_size.n_city_years as available_share,
        available_share >= {{ setting('coverage_limit') }}::double as is_covered
    from needed
    cross join frame_size
    left join available on needed.quantity = available.quantity
    where needed.quantity is not null
    order by needed.quantity

)

select * from final
