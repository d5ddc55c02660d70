with input_coverage as (

    select * from {{ ref('int_input_coverage') }}

),

measure_choices as (

    select * from {{ ref('measures') }}

),

-- What a setting asks for; auto leaves the choice to the coverage.
asked as (

    select
        'population' as measure,
        nullif({{ setting('population_basis') }}, 'auto') as series

),

candidates as (

    select
        measure_choices.measure,
        measure_choices.priority,
        measure_choices.series,
        measure_choices.is_proxy,
        asked.series as asked_series,
        coalesce(input_coverage.is_covered, false) as is_covered,
        coalesce(input_coverage.is_printed_every_year, false) as is_printed_every_year,
        coalesce(input_coverage.smallest_share, 0) as smallest_share,
        measure_choices.series || case
            when input_coverage.series is null then ' is not printed'
            else
                ' has values for ' || floor(100 * input_coverage.smallest_share)::integer || ' % of the cities in '
                || input_coverage.smallest_share_year
        end as words
    from measure_choices
    left join input_coverage on measure_choices.series = input_coverage.series
    left join asked on measure_choices.measure = asked.measure

),

-- One series for the whole panel: bases and proxies are never mixed. The true input goes before a proxy, a series that
-- is printed in every year before one that must be filled, then the order of the seed decides.
ranked as (

    select
        *,
        row_number() over (
            partition by measure
            order by
                series is not distinct from asked_series desc,
                is_covered desc, is_proxy, is_printed_every_year desc, priority
        ) as place
    from candidates

),

told as (

    select
        measure,
        string_agg(words, ', ' order by priority) as words,
        string_agg(series, ', ' order by priority) as series,
        string_agg(series, ', ' order by priority) filter (is_covered) as covered_series
    from candidates
    group by measure

),

final as (

    select
        ranked.measure,
        case
            when ranked.asked_series is not null and ranked.asked_series != ranked.series
                then error(
                    'The setting population_basis of study.csv asks for ' || ranked.asked_series
                    || '; set it to auto or to one of ' || told.series || '.'
                )
            when ranked.asked_series is not null and not ranked.is_covered
                then error(
                    'The setting population_basis of study.csv asks for a series that the input does not '
                    || 'cover in every year of the frame: ' || ranked.words || '; set it to auto or to one of: '
                    || coalesce(told.covered_series, 'none is covered')
                    || ', or let first_year and last_year leave out the years that lack it.'
                )
            when ranked.is_covered then ranked.series
        end as series,
        ranked.is_covered and ranked.is_proxy as is_proxy,
        if(ranked.is_proxy, ranked.series || ' stands for ' || ranked.measure, null) as proxy_note,
        if(ranked.is_covered, null, told.words) as uncovered_reason
    from ranked
    inner join told on ranked.measure = told.measure
    where ranked.place = 1
    order by ranked.measure

)

select * from final
