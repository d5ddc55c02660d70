with cells as (

    select * from {{ ref('cln_cell_values') }}

),

expected_row_counts as (

    select * from {{ ref('expected_row_counts') }}

),

counts as (

    select
        series,
        scope,
        data_year as year,
        count(distinct part_adcode) as n_cities
    from cells
    where source = 'yearbook' and part_adcode is not null
    group by series, scope, data_year

),

final as (

    select
        '{{ var("source") }}' as source,
        counts.series,
        counts.scope,
        counts.year,
        counts.n_cities,
        expected_row_counts.minimum_cities,
        expected_row_counts.maximum_cities,
        coalesce(
            counts.n_cities between expected_row_counts.minimum_cities and expected_row_counts.maximum_cities,
            false
        ) as passed,
        case
            when expected_row_counts.source is null then 'no rule for this year in seeds/mapping/expected_row_counts.csv'
            when not passed
                then
                    'prints ' || counts.n_cities || ' cities, expected ' || expected_row_counts.minimum_cities
                    || ' to ' || expected_row_counts.maximum_cities
        end as message
    from counts
    left join expected_row_counts
        on
            expected_row_counts.source = '{{ var("source") }}'
            and counts.year between expected_row_counts.first_year and expected_row_counts.last_year
    order by counts.series, counts.scope, counts.year

)

select * from final
