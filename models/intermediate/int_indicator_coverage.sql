with indicators as (

    select * from {{ ref('stg_indicators') }}

),

needs as (

    select * from {{ ref('int_indicator_needs') }}

),

capital_stock as (

    select * from {{ ref('int_capital_stock') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

-- A capital stock is there in every year of the frame or in none, so one share holds for every year.
capital_coverage as (

    select
        (select count(*) from capital_stock) / (select count(*) from frame) as available_share,
        (select max(year) - min(year) + 1 = count(distinct year) from frame) as has_every_year

),

judged as (

    select
        indicators.position,
        indicators.indicator,
        indicators.computed_by,
        count(distinct needs.subsystem) as n_subsystems,
        string_agg(distinct needs.measure, ' ' order by needs.measure) as required_measures,
        string_agg(distinct needs.uncovered_reason, ', ' order by needs.uncovered_reason) as uncovered_measures,
        string_agg(distinct needs.proxy_note, ', ' order by needs.proxy_note) as proxies
    from indicators
    left join needs on indicators.indicator = needs.indicator
    group by indicators.position, indicators.indicator, indicators.computed_by

),

reasons as (

    select
        judged.position,
        judged.indicator,
        judged.computed_by,
        judged.required_measures,
        judged.proxies,
        case
            when judged.uncovered_measures is not null
                then 'not covered by this input: ' || judged.uncovered_measures
            when judged.computed_by = 'coupling' and judged.n_subsystems < 2
                then 'one of the two subsystems has no covered component'
            when
                judged.computed_by = 'frontier'
                and capital_coverage.available_share < {{ setting('coverage_limit') }}::double
                then
                    if(
                        capital_coverage.has_every_year,
                        'the capital stock needs investment in every year, which '
                        || floor(100 * capital_coverage.available_share)::integer || ' % of the cities have',
                        'the capital stock needs consecutive years and the frame has gaps'
                    )
        end as uncovered_reason
    from judged
    cross join capital_coverage

),

-- Without any indicator there is no index, hence no outcome: that ends the build with the reasons of the first three.
told as (

    select
        bool_or(uncovered_reason is null) as has_indicator,
        string_agg(indicator || ': ' || uncovered_reason, '; ' order by position) filter (position <= 3) as words
    from reasons

),

final as (

    select
        reasons.*,
        case
            when told.has_indicator then reasons.uncovered_reason is null
            else error(
                'No indicator of indicators.csv is covered in every year of the frame (' || told.words
                || '); add editions that print their inputs, or narrow first_year and last_year in '
                || 'study.csv.'
            )
        end as is_covered
    from reasons
    cross join told
    order by reasons.position

)

select * from final
