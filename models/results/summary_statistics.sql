with panel as (

    select * from {{ ref('fct_study_panel') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

variable_coverage as (

    select * from {{ ref('int_variable_coverage') }}

),

sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

measure_uses as (

    select * from {{ ref('int_measure_uses') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

measure_series as (

    select * from {{ ref('int_measure_series') }}

),

-- How many observations rest on at least one value that nobody printed.
filled as (

    select
        measure_uses.variable,
        count(distinct (measures.adcode, measures.year)) as n_filled
    from measure_uses
    inner join measures on measure_uses.measure = measures.measure
    inner join sample_membership on measures.adcode = sample_membership.adcode
    where sample_membership.in_sample and measures.value_status in ('interpolated', 'carried')
    group by measure_uses.variable

),

-- Which series stand for what may be measured in several ways.
bases as (

    select
        measure_uses.variable,
        string_agg(
            distinct measure_uses.measure || ' is ' || measure_series.series
            || if(measure_series.is_proxy, ' (a proxy)', ''), ', '
            order by measure_uses.measure || ' is ' || measure_series.series
            || if(measure_series.is_proxy, ' (a proxy)', '')
        ) as basis
    from measure_uses
    inner join measure_series on measure_uses.measure = measure_series.measure
    group by measure_uses.variable

),

sample_values as (

    unpivot (
        select
            adcode,
            year,
            try_cast(columns(* exclude (adcode, year)) as double)
        from panel
        where sample_full
    )
    on columns(* exclude (adcode, year))
    into name column_name value value

),

sample_size as (

    select count(*) as n_city_years
    from panel
    where sample_full

),

statistics as (

    select
        column_name,
        count(*) as n_obs,
        avg(value order by adcode, year) as mean,
        stddev_samp(value order by adcode, year) as std_dev,
        min(value) as minimum,
        max(value) as maximum
    from sample_values
    where column_name in (select variables.column_name from variables)
    group by column_name

),

final as (

    select
        variables.variable,
        variables.column_name,
        variables.role,
        variables.name_zh,
        variables.name_en,
        variables.unit,
        coalesce(statistics.n_obs, 0) as n_obs,
        coalesce(filled.n_filled, 0) as n_filled,
        bases.basis,
        statistics.mean,
        statistics.std_dev,
        statistics.minimum,
        statistics.maximum,
        case
            when statistics.n_obs is null
                then coalesce(variable_coverage.uncovered_reason, 'not covered by this input')
            when statistics.n_obs < sample_size.n_city_years
                then
                    'No value in ' || sample_size.n_city_years - statistics.n_obs || ' of ' || sample_size.n_city_years
                    || ' city-years: not in the input, or a logarithm of or a division by zero.'
        end as message
    from variables
    left join statistics on variables.column_name = statistics.column_name
    left join variable_coverage on variables.variable = variable_coverage.variable
    left join filled on variables.variable = filled.variable
    left join bases on variables.variable = bases.variable
    cross join sample_size
    where variables.role in ('outcome', 'treatment', 'control', 'mediator', 'instrument')
    order by variables.position

)

select * from final
