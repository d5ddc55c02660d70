with measures as (

    select * from {{ ref('int_measures') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

parameters as (

    select
        {{ setting('depreciation_rate') }}::double as depreciation_rate,
        {{ setting('initial_capital_ratio') }}::double as initial_capital_ratio

),

investment as (

    select
        adcode,
        year,
        value as real_investment
    from measures
    where measure = 'real_investment'

),

-- Perpetual inventory needs investment in every year from the first on.
complete_cities as (

    select
        frame.adcode,
        min(frame.year) as first_year
    from frame
    left join investment
        on
            frame.adcode = investment.adcode
            and frame.year = investment.year
    group by frame.adcode
    having
        count(investment.real_investment) = count(*)
        and max(frame.year) - min(frame.year) + 1 = count(*)

),

-- K(t) = (1 - d)^(t - t0) K(t0) + sum over t0 < s <= t of (1 - d)^(t - s) I(s), with K(t0) = I(t0) / ratio.
accumulated as (

    select
        later.adcode,
        later.year,
        sum(
            case
                when earlier.year = complete_cities.first_year
                    then earlier.real_investment / parameters.initial_capital_ratio
                else earlier.real_investment
            end
            * pow(1 - parameters.depreciation_rate, later.year - earlier.year)
            order by earlier.year
        ) as capital_stock_cny_10k
    from complete_cities
    inner join investment as later on complete_cities.adcode = later.adcode
    inner join investment as earlier
        on
            later.adcode = earlier.adcode
            and later.year >= earlier.year
    cross join parameters
    group by later.adcode, later.year

),

final as (

    select * from accumulated
    order by adcode, year

)

select * from final
