-- Which indicators make the index of pilot cities larger than that of the others, in the last year of the frame.
with contributions as (

    select * from {{ ref('fct_city_year_indicator') }}

),

panel as (

    select * from {{ ref('fct_study_panel') }}

),

last_year as (

    select max(year) as year from contributions

),

means as (

    select
        contributions.indicator,
        avg(contributions.contribution) filter (panel.pilot_group != 'never') as pilots,
        avg(contributions.contribution) filter (panel.pilot_group = 'never') as others
    from contributions
    inner join last_year on contributions.year = last_year.year
    inner join panel
        on
            contributions.adcode = panel.adcode
            and contributions.year = panel.year
    where contributions.in_sample
    group by contributions.indicator

),

final as (

    select
        indicator,
        pilots,
        others,
        pilots - others as gap,
        (pilots - others) / sum(pilots - others) over () as share_of_gap
    from means
    order by gap desc

)

select * from final
