with moments as (

    select * from {{ ref('aud_published_moments') }}

),

counts as (

    select * from {{ ref('aud_published_counts') }}

),

-- GRIM: the mean of a dummy is a count of ones over the observations.
dummy_counts as (

    select
        moments.*,
        ceil(moments.mean_low * moments.n_obs - {{ edge() }})::integer as fewest_ones,
        floor(moments.mean_high * moments.n_obs + {{ edge() }})::integer as most_ones,
        case moments.variable
            when 'bcs' then counts.bcs_city_years
            when 'iic' then counts.iic_city_years
            when 'dual' then counts.dual_city_years
        end as stated_ones,
        counts.years_2011_2021 * case moments.variable
            when 'bcs' then counts.bcs_cities
            when 'iic' then counts.iic_cities
            when 'dual' then counts.dual_cities
        end as city_years_at_most
    from moments
    cross join counts
    where moments.is_dummy

),

dummy_verdicts as (

    select
        *,
        case
            when fewest_ones > most_ones then 'no_integer'
            when not coalesce(stated_ones between fewest_ones and most_ones, true) then 'other_count'
            when coalesce(fewest_ones > city_years_at_most, false) then 'too_many'
            else 'fits'
        end as finding
    from dummy_counts

),

dummy_mean as (

    select
        'dummy_mean' as rule,
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'mean ' || mean_text || ' of ' || n_obs as published,
        case
            when fewest_ones > most_ones then 'no whole number of ones'
            when fewest_ones = most_ones then fewest_ones || ' ones'
            else fewest_ones || ' to ' || most_ones || ' ones'
        end as implied,
        if(finding = 'fits', 'consistent', 'inconsistent') as verdict,
        case finding
            when 'no_integer'
                then format(
                    'Table 2, {}: no whole number of ones among {:,} observations has the mean {}.',
                    variable, n_obs, mean_text
                )
            when 'other_count'
                then format(
                    'Table 2, {}: a mean of {} needs {}{} ones, but {} are stated.',
                    variable, mean_text, fewest_ones, if(most_ones > fewest_ones, ' to ' || most_ones, ''), stated_ones
                )
            when 'too_many'
                then format(
                    'Table 2, {}: a mean of {} needs {} treated city-years, but the pilot cities have only {}.',
                    variable, mean_text, fewest_ones, city_years_at_most
                )
            else
                format(
                    'Table 2, {}: a mean of {} is {} ones among {:,} observations.',
                    variable, mean_text, coalesce(stated_ones, fewest_ones), n_obs
                )
        end as sentence
    from dummy_verdicts

),

dummy_deviations as (

    select
        *,
        if(finding = 'no_integer', mean_low, fewest_ones / n_obs) as share_low,
        if(finding = 'no_integer', mean_high, most_ones / n_obs) as share_high,
        sqrt(least(share_low * (1 - share_low), share_high * (1 - share_high)) * n_obs / (n_obs - 1)) as implied_low,
        sqrt(greatest(share_low * (1 - share_low), share_high * (1 - share_high)) * n_obs / (n_obs - 1))
            as implied_high
    from dummy_verdicts

),

dummy_std_dev as (

    select
        'dummy_std_dev' as rule,
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'mean ' || mean_text || ', standard deviation ' || std_dev_text as published,
        format('{:.5f}', implied_low)
        || if(implied_high > implied_low, ' to ' || format('{:.5f}', implied_high), '') as implied,
        if(
            std_dev_low <= implied_high + {{ edge() }} and implied_low <= std_dev_high + {{ edge() }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            'Table 2, {}: a dummy with mean {} among {:,} observations has a standard deviation of {:.5f}; '
            || '{} is published.',
            variable, mean_text, n_obs, (implied_low + implied_high) / 2, std_dev_text
        ) as sentence
    from dummy_deviations

),

mean_between_extremes as (

    select
        'mean_between_extremes' as rule,
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'mean ' || mean_text as published,
        'between ' || minimum_text || ' and ' || maximum_text as implied,
        if(mean_high >= minimum_low and mean_low <= maximum_high, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 2, {}: the mean {} lies {} the minimum {} and the maximum {}.',
            variable, mean_text,
            if(mean_high >= minimum_low and mean_low <= maximum_high, 'between', 'outside'),
            minimum_text, maximum_text
        ) as sentence
    from moments

),

-- Bhatia and Davis (2000): the variance is at most (maximum - mean)(mean - minimum). It is at least what the two
-- extremes alone contribute.
deviation_bounds as (

    select
        *,
        sqrt(greatest(mean_low - minimum_high, 0) ** 2 + greatest(maximum_low - mean_high, 0) ** 2) / sqrt(n_obs - 1)
            as least_std_dev,
        sqrt(
            greatest(
                (maximum_high - mean_low) * (mean_low - minimum_low),
                (maximum_high - mean_high) * (mean_high - minimum_low),
                (maximum_high - (mean_low + mean_high) / 2) * ((mean_low + mean_high) / 2 - minimum_low),
                0
            ) * n_obs / (n_obs - 1)
        ) as largest_std_dev
    from moments

),

std_dev_bounds as (

    select
        'std_dev_bounds' as rule,
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'standard deviation ' || std_dev_text as published,
        {{ range_text(4, 'least_std_dev', 'largest_std_dev') }} as implied,
        if(
            std_dev_high >= least_std_dev - {{ edge() }} and std_dev_low <= largest_std_dev + {{ edge() }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            'Table 2, {}: with this mean, minimum and maximum the standard deviation lies between {:.4f} and '
            || '{:.4f}; {} is published.',
            variable, least_std_dev, largest_std_dev, std_dev_text
        ) as sentence
    from deviation_bounds

),

final as (

    {% for rule in ['dummy_mean', 'dummy_std_dev', 'mean_between_extremes', 'std_dev_bounds'] -%}
    select * from {{ rule }} {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
