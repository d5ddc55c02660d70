with city_years as (

    select * from {{ ref('fct_city_year') }}

),

variables as (

    select * from {{ ref('variables') }}

),

published as (

    select * from {{ ref('published_summary_statistics') }}

),

sample_values as (

    unpivot (
        select
            adcode,
            year,
            {% for column in [
                'nqp', 'bcs', 'iic', 'dual', 'marketization', 'fdi_cny_trillion', 'tertiary_share',
                'urbanization_percent', 'fintech', 'agglomeration', 'innovation'
            ] -%}
            {{ column }}::double as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from city_years
        where sample_full
    )
    on columns(* exclude (adcode, year))
    into name column_name value value

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
        statistics.mean,
        statistics.std_dev,
        statistics.minimum,
        statistics.maximum,
        published.n_obs::integer as published_n_obs,
        published.mean::double as published_mean,
        published.std_dev::double as published_std_dev,
        published.minimum::double as published_minimum,
        published.maximum::double as published_maximum,
        if(statistics.n_obs is null, 'not covered by this input', null) as message
    from variables
    left join statistics on variables.column_name = statistics.column_name
    left join published on variables.variable = published.variable
    order by variables.position

)

select * from final
