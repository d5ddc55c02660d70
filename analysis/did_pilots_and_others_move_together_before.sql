-- Before Broadband China began: the mean yearly change of the index in later pilots, by cohort, beside that of the others.
with city_years as (

    select * from {{ ref('fct_study_panel') }}

),

changes as (

    select
        city_years.bcs_first_year,
        city_years.year,
        city_years.nqp - lag(city_years.nqp) over (partition by city_years.adcode order by city_years.year) as change
    from city_years
    where city_years.in_sample

),

first_cohort as (

    select min(bcs_first_year) as year from changes

),

final as (

    select
        changes.year,
        changes.bcs_first_year as cohort,
        count(*) as n_cities,
        avg(changes.change) as mean_change,
        stddev_samp(changes.change) / sqrt(count(*)) as standard_error
    from changes
    inner join first_cohort on changes.year < first_cohort.year
    where changes.change is not null
    group by changes.year, changes.bcs_first_year
    order by changes.year, cohort nulls last

)

select * from final
