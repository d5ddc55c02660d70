with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

filled_values as (

    select * from {{ ref('int_filled_values') }}

),

quantities as (

    select * from {{ ref('int_quantities') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

variable_coverage as (

    select * from {{ ref('int_variable_coverage') }}

),

required_quantities as (

    select distinct unnest(string_split(required_quantities, ' ')) as quantity
    from indicator_coverage
    where is_covered

    union

    select distinct unnest(string_split(required_quantities, ' '))
    from variable_coverage
    where is_covered and required_quantities is not null

),

-- The inputs that a required quantity was made from somewhere in this panel.
required_inputs as (

    select distinct
        case quantities.quantity
            when 'real_gdp' then 'gdp'
            when 'real_investment' then 'fixed_asset_investment'
            else quantities.basis
        end as series
    from required_quantities
    inner join quantities on required_quantities.quantity = quantities.quantity

),

-- A year counts for an input only where the input is printed for at least a share of the cities: what the
-- yearbook does not print for anybody is not the city's gap.
printed_years as (

    select
        series,
        year
    from filled_values
    group by series, year
    having count(printed_value) >= {{ setting('printed_year_limit') }}::double * count(*)

),

missing_shares as (

    select
        filled_values.adcode,
        filled_values.series,
        count(*) - count(filled_values.printed_value) as n_missing,
        count(*) as n_years,
        1 - count(filled_values.printed_value) / count(*) as missing_share
    from filled_values
    inner join printed_years
        on
            filled_values.series = printed_years.series
            and filled_values.year = printed_years.year
    where filled_values.series in (select required_inputs.series from required_inputs)
    group by filled_values.adcode, filled_values.series

),

too_many_gaps as (

    select
        adcode,
        count(*) as n_inputs,
        string_agg(series, ' ' order by series) as series,
        max(missing_share) as largest_missing_share
    from missing_shares
    where missing_share > {{ setting('missing_limit') }}::double
    group by adcode

),

still_missing as (

    select
        frame.adcode,
        count(*) as n_cells,
        string_agg(distinct required_quantities.quantity, ' ' order by required_quantities.quantity) as quantities
    from frame
    cross join required_quantities
    left join quantities
        on
            frame.adcode = quantities.adcode
            and frame.year = quantities.year
            and required_quantities.quantity = quantities.quantity
    where quantities.value is null
    group by frame.adcode

),

cities as (

    select distinct adcode from frame

),

final as (

    select
        cities.adcode,
        too_many_gaps.adcode is null and still_missing.adcode is null as in_sample,
        case
            when too_many_gaps.adcode is not null
                then
                    too_many_gaps.n_inputs || ' inputs miss more than the allowed share of their cells (up to '
                    || round(100 * too_many_gaps.largest_missing_share)::integer || ' %): ' || too_many_gaps.series
            when still_missing.adcode is not null
                then
                    still_missing.n_cells || ' values are missing after gaps are filled: '
                    || still_missing.quantities
        end as exclusion_reason,
        coalesce(too_many_gaps.n_inputs, 0) as n_inputs_with_too_many_gaps,
        coalesce(still_missing.n_cells, 0) as n_values_still_missing
    from cities
    left join too_many_gaps on cities.adcode = too_many_gaps.adcode
    left join still_missing on cities.adcode = still_missing.adcode
    order by cities.adcode

)

select * from final
