with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

filled_values as (

    select * from {{ ref('int_filled_values') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

variable_coverage as (

    select * from {{ ref('int_variable_coverage') }}

),

required_measures as (

    select distinct unnest(string_split(required_measures, ' ')) as measure
    from indicator_coverage
    where is_covered

    union

    select distinct unnest(string_split(required_measures, ' '))
    from variable_coverage
    where is_covered and required_measures is not null and role not in ('group', 'instrument', 'measure')

),

-- The inputs that a required measure was made from somewhere in this panel.
required_inputs as (

    select distinct
        case measures.measure
            when 'real_gdp' then 'gdp'
            when 'real_investment' then 'fixed_asset_investment'
            else measures.basis
        end as series
    from required_measures
    inner join measures on required_measures.measure = measures.measure

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
        -- One division, so that a share at the limit is the limit: 3 of 10 are 0.3, while 1 - 0.7 is more.
        (count(*) - count(filled_values.printed_value)) / count(*) as missing_share
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
        'too many gaps' as kind,
        series as input,
        null::integer as year,
        missing_share
    from missing_shares
    where missing_share > {{ setting('missing_limit') }}::double

),

still_missing as (

    select
        frame.adcode,
        'still missing' as kind,
        required_measures.measure as input,
        frame.year,
        null::double as missing_share
    from frame
    cross join required_measures
    left join measures
        on
            frame.adcode = measures.adcode
            and frame.year = measures.year
            and required_measures.measure = measures.measure
    where measures.value is null

),

unioned as (

    select * from too_many_gaps
    union all
    select * from still_missing

),

final as (

    select * from unioned
    order by adcode, kind, input, year

)

select * from final
