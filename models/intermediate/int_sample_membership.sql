with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

gaps as (

    select * from {{ ref('int_sample_gaps') }}

),

too_many_gaps as (

    select
        adcode,
        count(*) as n_inputs,
        string_agg(input, ' ' order by input) as series,
        max(missing_share) as largest_missing_share
    from gaps
    where kind = 'too many gaps'
    group by adcode

),

still_missing as (

    select
        adcode,
        count(*) as n_cells,
        string_agg(distinct input, ' ' order by input) as measures
    from gaps
    where kind = 'still missing'
    group by adcode

),

cities as (

    select distinct adcode from frame

),

judged as (

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
                    || still_missing.measures
        end as exclusion_reason,
        coalesce(too_many_gaps.n_inputs, 0) as n_inputs_with_too_many_gaps,
        coalesce(still_missing.n_cells, 0) as n_values_still_missing
    from cities
    left join too_many_gaps on cities.adcode = too_many_gaps.adcode
    left join still_missing on cities.adcode = still_missing.adcode

),

-- The gap that keeps out the most cities, to be named where no city is left.
largest_gap as (

    select
        input || if(kind = 'still missing', ' in ' || year, ' in more years than missing_limit allows') as words,
        count(distinct adcode) as n_cities
    from gaps
    group by kind, input, year
    order by n_cities desc, words
    limit 1

),

final as (

    select
        judged.* replace (
            case
                when bool_or(judged.in_sample) over () then judged.in_sample
                else error(
                    'No city is left in the sample: ' || largest_gap.n_cities || ' of ' || count(*) over ()
                    || ' cities lack ' || largest_gap.words || ' (the commonest gap); add an edition that prints it, '
                    || 'raise coverage_limit so that the input is left out, or narrow first_year and last_year in '
                    || 'study.csv.'
                )
            end as in_sample
        )
    from judged
    left join largest_gap on true
    order by judged.adcode

)

select * from final
