{#-
    Interval arithmetic on what is printed: a printed 0.0057 is any number from 0.00565 to 0.00575. `edge` is slack for
    binary fractions, far below every printed digit, so that a value exactly on a rounding edge counts as possible.
    The audit reads nothing but the published seeds. What it takes from the paper's text is set here, with its place.
-#}
{%- set edge = '1e-9' -%}
{#- Section 3.3 and Tables 5 E: Beijing, Tianjin, Shanghai and Chongqing are in the sample. -#}
{%- set municipalities = 4 -%}
{#- Section 4.2 (6): province-year effects. 31 provinces and 11 years leave (31 - 1) x (11 - 1) dummies. -#}
{%- set province_year_effects = 300 -%}
{#- Critical values of the normal distribution for one, two and three stars (10, 5 and 1 %). -#}
{%- set critical_values = ['1.645', '1.960', '2.576'] -%}
{#- Up to how many times the standard error of the smaller group that of the larger group may be. -#}
{%- set largest_se_ratio = 2 -%}
{#- Tables 7, 9 and 10 A and B group cities once for all years; the groups of 10 C, D and E may change by year. -#}
{%- set changing_groups = "('C_size', 'D_target_constraint', 'E_target_raised')" -%}

{#- Half a unit of the last printed digit of a text. -#}
{%- set half = "(0.5 * pow(10.0, -length(split_part(%s, '.', 2))))" -%}
{#- An interval as a reader wants to see it: digits twice, then its two ends. -#}
{%- set range_text = "format('{:.%sf} to {:.%sf}', %s, %s)" -%}

{%- set counts_used = [
    'cities', 'eastern_cities', 'central_region_cities', 'western_cities', 'years_2011_2021', 'observations',
    'bcs_cities', 'iic_cities', 'dual_cities', 'bcs_city_years', 'iic_city_years', 'dual_city_years',
    'bcs_only_or_never_obs', 'iic_only_or_never_obs', 'pilot_city_obs', 'iic_city_obs', 'bcs_city_obs',
    'dual_bcs_first_cities', 'dual_iic_first_cities', 'dual_same_year_cities', 'single_and_bcs_first_obs',
    'single_and_iic_first_obs', 'never_and_bcs_first_obs', 'never_and_iic_first_obs', 'non_municipality_obs',
    'resource_city_obs', 'non_resource_city_obs', 'central_city_obs', 'peripheral_city_obs', 'large_city_obs',
    'small_medium_city_obs', 'soft_target_obs', 'hard_target_obs', 'raised_target_obs', 'not_raised_target_obs',
] -%}

{#- Identities among the counts: table, panel, count, what it must equal as SQL, and the same in words. -#}
{%- set never = '(cities - bcs_cities - iic_cities + dual_cities)' -%}
{%- set single = '(bcs_cities + iic_cities - 2 * dual_cities)' -%}
{%- set count_identities = [
    ('2', none, 'observations', 'cities * years_2011_2021', 'cities times years'),
    (none, none, 'cities', 'eastern_cities + central_region_cities + western_cities',
        'eastern, central and western cities together'),
    (none, none, 'dual_cities', 'dual_bcs_first_cities + dual_iic_first_cities + dual_same_year_cities',
        'the three orders of the dual cities together'),
    ('7', 'A_single_pilot_net', 'bcs_only_or_never_obs', '(cities - iic_cities) * years_2011_2021',
        'all cities without the cluster cities, times years'),
    ('7', 'A_single_pilot_net', 'iic_only_or_never_obs', '(cities - bcs_cities) * years_2011_2021',
        'all cities without the Broadband China cities, times years'),
    ('7', 'B_dual_net', 'pilot_city_obs', '(bcs_cities + iic_cities - dual_cities) * years_2011_2021',
        'Broadband China and cluster cities, the dual ones counted once, times years'),
    ('7', 'C_dual_vs_iic', 'iic_city_obs', 'iic_cities * years_2011_2021', 'cluster cities times years'),
    ('7', 'C_dual_vs_bcs', 'bcs_city_obs', 'bcs_cities * years_2011_2021', 'Broadband China cities times years'),
    ('9', 'A_pilot_cities', 'single_and_bcs_first_obs',
        '(' ~ single ~ ' + dual_bcs_first_cities) * years_2011_2021',
        'single-pilot cities and dual cities that had broadband first, times years'),
    ('9', 'A_pilot_cities', 'single_and_iic_first_obs',
        '(' ~ single ~ ' + dual_iic_first_cities) * years_2011_2021',
        'single-pilot cities and dual cities that had the cluster first, times years'),
    ('9', 'B_never_and_dual', 'never_and_bcs_first_obs',
        '(' ~ never ~ ' + dual_bcs_first_cities) * years_2011_2021',
        'never-treated cities and dual cities that had broadband first, times years'),
    ('9', 'B_never_and_dual', 'never_and_iic_first_obs',
        '(' ~ never ~ ' + dual_iic_first_cities) * years_2011_2021',
        'never-treated cities and dual cities that had the cluster first, times years'),
    ('5', 'E_no_municipalities', 'non_municipality_obs',
        '(cities - ' ~ municipalities ~ ') * years_2011_2021',
        'all cities without the four municipalities, times years'),
] -%}

{#- The two groups of a panel, which together are the sample. -#}
{%- set group_pairs_of_panel = [
    ('A_resource', 'resource_city_obs', 'non_resource_city_obs'),
    ('B_centrality', 'central_city_obs', 'peripheral_city_obs'),
    ('C_size', 'large_city_obs', 'small_medium_city_obs'),
    ('D_target_constraint', 'soft_target_obs', 'hard_target_obs'),
    ('E_target_raised', 'raised_target_obs', 'not_raised_target_obs'),
] -%}

{#- Which count the observations of a printed sample must be. -#}
{%- set count_of_sample = {
    'full': 'observations',
    'bcs_only_vs_never': 'bcs_only_or_never_obs', 'iic_only_vs_never': 'iic_only_or_never_obs',
    'pilot_cities': 'pilot_city_obs', 'iic_cities': 'iic_city_obs', 'bcs_cities': 'bcs_city_obs',
    'bcs_first_vs_single': 'single_and_bcs_first_obs', 'iic_first_vs_single': 'single_and_iic_first_obs',
    'bcs_first_vs_never': 'never_and_bcs_first_obs', 'iic_first_vs_never': 'never_and_iic_first_obs',
    'resource': 'resource_city_obs', 'non_resource': 'non_resource_city_obs',
    'central': 'central_city_obs', 'peripheral': 'peripheral_city_obs',
    'large': 'large_city_obs', 'small_medium': 'small_medium_city_obs',
    'soft': 'soft_target_obs', 'hard': 'hard_target_obs',
    'raised': 'raised_target_obs', 'not_raised': 'not_raised_target_obs',
} -%}

{%- set check_ctes = [
    'stars_against_t', 'sign_against_t', 'count_identity', 'group_sizes', 'sample_size', 'whole_cities',
    'matched_sample_size', 'dummy_mean', 'dummy_std_dev', 'mean_between_extremes', 'std_dev_bounds', 'index_weights', 'bacon_weights',
    'bacon_total', 'padded_decimals', 'sobel_bound', 'sobel_formula', 'total_effect', 'mediator_t_values',
    'repeated_panel', 'r2_monotonicity', 'r2_gain_by_chance', 'r2_gain_against_t', 'r2_without_policy',
    'se_across_groups', 'group_difference', 'constant_through_means', 'shared_instrument', 'first_stage_f',
] -%}

with estimates as (

    select * from {{ ref('published_estimates') }}

),

summary_statistics as (

    select * from {{ ref('published_summary_statistics') }}

),

weights as (

    select * from {{ ref('published_index_weights') }}

),

bacon as (

    select * from {{ ref('published_bacon_decomposition') }}

),

sobel as (

    select * from {{ ref('published_sobel_tests') }}

),

diagnostics as (

    select * from {{ ref('published_iv_diagnostics') }}

),

sample_counts as (

    select * from {{ ref('published_sample_counts') }}

),

-- Every printed number with its interval.
coefficients as (

    select
        table_no,
        panel,
        coalesce(panel, '') as panel_key,
        column_no,
        outcome,
        treatment,
        term,
        sample,
        coalesce(stars, '') as stars,
        estimate as estimate_text,
        t_stat as t_text,
        r2 as r2_text,
        'Table ' || table_no || if(panel similar to '[A-Z]_.*', ' Panel ' || left(panel, 1), '') as place,
        n_obs::integer as n_obs,
        estimate::double as estimate,
        estimate::double - {{ half % 'estimate' }} as estimate_low,
        estimate::double + {{ half % 'estimate' }} as estimate_high,
        t_stat::double as t_value,
        t_stat::double - {{ half % 't_stat' }} as t_low,
        t_stat::double + {{ half % 't_stat' }} as t_high,
        greatest(abs(t_stat::double) - {{ half % 't_stat' }}, 0) as t_abs_low,
        abs(t_stat::double) + {{ half % 't_stat' }} as t_abs_high,
        r2::double - {{ half % 'r2' }} as r2_low,
        r2::double + {{ half % 'r2' }} as r2_high,
        nullif(replace(coalesce(note, ''), 'group_difference_p=', ''), '') as p_text
    from estimates

),

counts as (

    select
        {% for name in counts_used -%}
        max(value) filter (count = '{{ name }}')::integer as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from sample_counts

),

-- What the degrees of freedom need: cities and years, and the controls that Table 3 prints.
study as (

    select
        counts.*,
        (
            select count(distinct term)
            from coefficients
            where table_no = '3' and term not in (treatment, 'constant')
        ) as n_controls
    from counts

),

baseline as (

    select
        *,
        abs(estimate) / nullif(abs(t_value), 0) as std_error
    from coefficients
    where table_no = '3' and term = treatment

),

-- 1. Stars against t values
stars_possible as (

    select
        *,
        {% for value in critical_values -%}
        if(t_abs_low >= {{ value }}, 1, 0) {{ '+' if not loop.last else 'as fewest,' }}
        {% endfor -%}
        {% for value in critical_values -%}
        if(t_abs_high + {{ edge }} >= {{ value }}, 1, 0) {{ '+' if not loop.last else 'as most' }}
        {% endfor -%}
    from coefficients
    where t_text is not null

),

stars_against_t as (

    select
        table_no,
        panel,
        column_no,
        treatment || '/' || term as subject,
        estimate_text || stars || ' (t ' || t_text || ')' as printed,
        if(most = 0, 'no star', repeat('*', most::integer))
        || if(fewest < most, ' or one fewer', '') as implied,
        if(length(stars) between fewest and most, 'consistent', 'inconsistent') as verdict,
        format(
            '{} column {}: a t value of {} {} the printed {}.',
            place, column_no, t_text,
            if(length(stars) between fewest and most, 'goes with', 'does not go with'),
            if(stars = '', 'absence of stars', 'stars ' || stars)
        ) as sentence
    from stars_possible

),

signs as (

    select
        table_no,
        count(*) as n_coefficients,
        count(*) filter (sign(estimate) * sign(t_value) < 0) as n_opposite,
        string_agg(
            treatment || '/' || term || ' in column ' || column_no, ', '
            order by column_no, term
        ) filter (sign(estimate) * sign(t_value) < 0) as opposite
    from coefficients
    where t_text is not null
    group by table_no

),

sign_against_t as (

    select
        table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'all coefficients' as subject,
        n_coefficients || ' coefficients with t values' as printed,
        n_opposite || ' with opposite signs' as implied,
        if(n_opposite = 0, 'consistent', 'inconsistent') as verdict,
        if(
            n_opposite = 0,
            format('Table {}: every coefficient has the sign of its t value.', table_no),
            format('Table {}: coefficient and t value have opposite signs for {}.', table_no, opposite)
        ) as sentence
    from signs

),

-- 2. Sizes of samples and groups
count_identity_values as (

    {% for table_no, panel, count, expression, words in count_identities -%}
    select
        {{ "'" ~ table_no ~ "'" if table_no else 'null::varchar' }} as table_no,
        {{ "'" ~ panel ~ "'" if panel else 'null::varchar' }} as panel,
        '{{ count }}' as subject,
        {{ count }} as printed_value,
        {{ expression }} as implied_value,
        '{{ words }}' as words
    from counts
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

count_identity as (

    select
        table_no,
        panel,
        null::varchar as column_no,
        subject,
        printed_value::varchar as printed,
        implied_value::varchar as implied,
        if(printed_value = implied_value, 'consistent', 'inconsistent') as verdict,
        format(
            'The count {} is printed as {:,}; {} make {:,}.', subject, printed_value, words, implied_value
        ) as sentence
    from count_identity_values
    where printed_value is not null and implied_value is not null

),

group_size_values as (

    {% for panel, one, two in group_pairs_of_panel -%}
    select
        '{{ panel }}' as panel,
        '{{ one }} and {{ two }}' as subject,
        {{ one }} as one,
        {{ two }} as two,
        observations
    from counts
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

group_sizes as (

    select
        '10' as table_no,
        panel,
        null::varchar as column_no,
        subject,
        one || ' + ' || two as printed,
        observations::varchar as implied,
        if(one + two = observations, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 10 Panel {}: the two groups have {:,} and {:,} observations, {:,} together; the sample has {:,}.',
            left(panel, 1), one, two, one + two, observations
        ) as sentence
    from group_size_values
    where one is not null and two is not null and observations is not null

),

sample_names as (

    select *
    from (
        values
        {% for sample, count in count_of_sample.items() -%}
        ('{{ sample }}', '{{ count }}'){{ ',' if not loop.last }}
        {% endfor %}
    ) as names (sample, count)

),

printed_sizes as (

    select
        table_no,
        panel,
        panel_key,
        place,
        sample,
        min(n_obs) as smallest,
        max(n_obs) as largest,
        string_agg(distinct column_no, ', ' order by column_no) as column_no,
        string_agg(distinct n_obs::varchar, ', ' order by n_obs::varchar) as printed
    from coefficients
    where panel_key != 'A_psm_did'
    group by table_no, panel, panel_key, place, sample

),

expected_sizes as (

    select
        printed_sizes.*,
        case
            when panel_key = 'B_lagged_treatment' then study.cities * (study.years_2011_2021 - 1)
            when panel_key = 'E_no_municipalities' then study.non_municipality_obs
            else sample_counts.value::integer
        end as expected,
        case
            when panel_key = 'B_lagged_treatment' then 'cities times the years that have a year before'
            when panel_key = 'E_no_municipalities' then 'the count non_municipality_obs'
            else 'the count ' || sample_counts.count
        end as words
    from printed_sizes
    cross join study
    left join sample_names on printed_sizes.sample = sample_names.sample
    left join sample_counts on sample_names.count = sample_counts.count

),

sample_size as (

    select
        table_no,
        panel,
        column_no,
        sample as subject,
        printed,
        expected::varchar as implied,
        if(smallest = expected and largest = expected, 'consistent', 'inconsistent') as verdict,
        format(
            '{}, sample {}: {} observations are printed; by {} it must be {:,}.',
            place, sample, printed, words, expected
        ) as sentence
    from expected_sizes
    where expected is not null

),

whole_cities as (

    select
        printed_sizes.table_no,
        printed_sizes.panel,
        printed_sizes.column_no,
        printed_sizes.sample as subject,
        printed_sizes.printed,
        format('{:g} cities', round(printed_sizes.largest / study.years_2011_2021, 2)) as implied,
        if(printed_sizes.largest % study.years_2011_2021 = 0, 'consistent', 'inconsistent') as verdict,
        format(
            '{}, sample {}: a group of cities has {} observations per city in a balanced panel, so {} '
            || 'observations are {:g} cities.',
            printed_sizes.place, printed_sizes.sample, study.years_2011_2021, printed_sizes.printed,
            round(printed_sizes.largest / study.years_2011_2021, 2)
        ) as sentence
    from printed_sizes
    cross join study
    where
        printed_sizes.table_no in ('7', '9', '10')
        and printed_sizes.panel_key not in {{ changing_groups }}
        and study.years_2011_2021 is not null

),

-- 1:1 matching (section 4.2 (3)) leaves at most one control per treated observation.
matched_sizes as (

    select
        coefficients.*,
        2 * case coefficients.treatment
            when 'bcs' then counts.bcs_city_years
            when 'iic' then counts.iic_city_years
            when 'dual' then counts.dual_city_years
        end as treated_city_years,
        2 * counts.years_2011_2021 * case coefficients.treatment
            when 'bcs' then counts.bcs_cities
            when 'iic' then counts.iic_cities
            when 'dual' then counts.dual_cities
        end as pilot_city_years
    from coefficients
    cross join counts
    where coefficients.panel_key = 'A_psm_did' and coefficients.term = coefficients.treatment

),

matched_sample_size as (

    select
        table_no,
        panel,
        column_no,
        treatment as subject,
        n_obs || ' observations' as printed,
        format('at most {}, or {} with all years of the pilot cities', treated_city_years, pilot_city_years) as implied,
        if(n_obs <= pilot_city_years, 'consistent', 'suspicious') as verdict,
        if(
            n_obs <= pilot_city_years,
            format('{} column {}: {:,} observations can be a 1:1 matched sample.', place, column_no, n_obs),
            format(
                '{} column {}: matching one control to each treated observation leaves at most {:,}, and '
                || '{:,} if every year of a pilot city counts as treated; {:,} observations are more, so the '
                || 'regression holds more than the treated and their matches.',
                place, column_no, treated_city_years, pilot_city_years, n_obs
            )
        ) as sentence
    from matched_sizes
    where pilot_city_years is not null

),

-- 5. and 10. Table 2: means, standard deviations and extremes
moments as (

    select
        variable,
        role = 'treatment' as is_dummy,
        n_obs::integer as n_obs,
        mean as mean_text,
        std_dev as std_dev_text,
        minimum as minimum_text,
        maximum as maximum_text,
        mean::double - {{ half % 'mean' }} as mean_low,
        mean::double + {{ half % 'mean' }} as mean_high,
        std_dev::double - {{ half % 'std_dev' }} as std_dev_low,
        std_dev::double + {{ half % 'std_dev' }} as std_dev_high,
        minimum::double - if(contains(minimum, '.'), {{ half % 'minimum' }}, 0) as minimum_low,
        minimum::double + if(contains(minimum, '.'), {{ half % 'minimum' }}, 0) as minimum_high,
        maximum::double - if(contains(maximum, '.'), {{ half % 'maximum' }}, 0) as maximum_low,
        maximum::double + if(contains(maximum, '.'), {{ half % 'maximum' }}, 0) as maximum_high
    from summary_statistics

),

-- GRIM: the mean of a dummy is a count of ones over the observations.
dummy_counts as (

    select
        moments.*,
        ceil(moments.mean_low * moments.n_obs - {{ edge }})::integer as fewest_ones,
        floor(moments.mean_high * moments.n_obs + {{ edge }})::integer as most_ones,
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
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'mean ' || mean_text || ' of ' || n_obs as printed,
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
                    'Table 2, {}: a mean of {} needs {} to {} ones, but {} are stated.',
                    variable, mean_text, fewest_ones, most_ones, stated_ones
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

dummy_shares as (

    select
        *,
        if(finding = 'no_integer', mean_low, fewest_ones / n_obs) as share_low,
        if(finding = 'no_integer', mean_high, most_ones / n_obs) as share_high
    from dummy_verdicts

),

dummy_deviations as (

    select
        *,
        sqrt(least(share_low * (1 - share_low), share_high * (1 - share_high)) * n_obs / (n_obs - 1)) as implied_low,
        sqrt(greatest(share_low * (1 - share_low), share_high * (1 - share_high)) * n_obs / (n_obs - 1))
            as implied_high
    from dummy_shares

),

dummy_std_dev as (

    select
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'mean ' || mean_text || ', standard deviation ' || std_dev_text as printed,
        format('{:.5f}', implied_low)
        || if(implied_high > implied_low, ' to ' || format('{:.5f}', implied_high), '') as implied,
        if(
            std_dev_low <= implied_high + {{ edge }} and implied_low <= std_dev_high + {{ edge }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            'Table 2, {}: a dummy with mean {} among {:,} observations has a standard deviation of {:.5f}; '
            || '{} is printed.',
            variable, mean_text, n_obs, (implied_low + implied_high) / 2, std_dev_text
        ) as sentence
    from dummy_deviations

),

mean_between_extremes as (

    select
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'mean ' || mean_text as printed,
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
        sqrt(
            greatest(mean_low - minimum_high, 0) ** 2 + greatest(maximum_low - mean_high, 0) ** 2
        ) / sqrt(n_obs - 1) as least_std_dev,
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
        '2' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        variable as subject,
        'standard deviation ' || std_dev_text as printed,
        {{ range_text % (4, 4, 'least_std_dev', 'largest_std_dev') }} as implied,
        if(
            std_dev_high >= least_std_dev - {{ edge }} and std_dev_low <= largest_std_dev + {{ edge }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            'Table 2, {}: with this mean, minimum and maximum the standard deviation lies between {:.4f} and '
            || '{:.4f}; {} is printed.',
            variable, least_std_dev, largest_std_dev, std_dev_text
        ) as sentence
    from deviation_bounds

),

-- 9. Table 1: weights of the index
dimension_weights as (

    select
        dimension,
        count(*) as n_indicators,
        sum(weight::double) as weight,
        sum({{ half % 'weight' }}) as slack,
        count(*) filter (weight::double not between 0 and 1) as n_outside,
        min(weight::double) as smallest,
        max(weight::double) as largest
    from weights
    group by dimension

),

weight_sums as (

    select
        sum(n_indicators) as n_indicators,
        sum(weight) as weight,
        sum(slack) as slack,
        sum(n_outside) as n_outside,
        min(smallest) as smallest,
        max(largest) as largest,
        string_agg(dimension || ' ' || format('{:.4f}', weight), ', ' order by dimension) as dimensions
    from dimension_weights

),

index_weights as (

    select
        '1' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'sum' as subject,
        format('{:.4f} ({})', weight, dimensions) as printed,
        format('1 within {:.4f}', slack) as implied,
        if(abs(weight - 1) <= slack + {{ edge }}, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 1: the {} weights sum to {:.4f}; rounding explains {:.4f} at most.', n_indicators, weight, slack
        ) as sentence
    from weight_sums
    where n_indicators > 0

    union all

    select
        '1' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'range' as subject,
        format('{:.4f} to {:.4f}', smallest, largest) as printed,
        'between 0 and 1' as implied,
        if(n_outside = 0, 'consistent', 'inconsistent') as verdict,
        format('Table 1: {} of {} weights lie outside 0 to 1.', n_outside, n_indicators) as sentence
    from weight_sums
    where n_indicators > 0

),

-- 4. Table 6: the Bacon decomposition. A table all of whose numbers end in 0 is rounded to fewer decimals than it
-- prints.
bacon_decimals as (

    select
        max(greatest(length(split_part(coalesce(weight, ''), '.', 2)), length(split_part(estimate, '.', 2))))
            as printed_decimals,
        max(greatest(
            length(rtrim(split_part(coalesce(weight, ''), '.', 2), '0')),
            length(rtrim(split_part(estimate, '.', 2), '0'))
        )) as real_decimals,
        count(weight) + count(estimate) as n_numbers
    from bacon

),

bacon_parts as (

    select
        bacon.treatment,
        bacon.comparison,
        bacon.weight as weight_text,
        bacon.estimate as estimate_text,
        bacon.weight::double as weight,
        bacon.estimate::double as estimate,
        0.5 * pow(10.0, -bacon_decimals.real_decimals) as half_unit,
        0.5 * pow(10.0, -bacon_decimals.printed_decimals) as printed_half_unit
    from bacon
    cross join bacon_decimals

),

{% for precision, unit in [('real', 'half_unit'), ('printed', 'printed_half_unit')] -%}
bacon_sums_{{ precision }} as (

    select
        treatment,
        sum(weight) as weights,
        count(weight) * max({{ unit }}) as slack,
        sum(weight * estimate) as total,
        sum(least(
            (weight - {{ unit }}) * (estimate - {{ unit }}), (weight + {{ unit }}) * (estimate - {{ unit }}),
            (weight - {{ unit }}) * (estimate + {{ unit }}), (weight + {{ unit }}) * (estimate + {{ unit }})
        )) as total_low,
        sum(greatest(
            (weight - {{ unit }}) * (estimate - {{ unit }}), (weight + {{ unit }}) * (estimate - {{ unit }}),
            (weight - {{ unit }}) * (estimate + {{ unit }}), (weight + {{ unit }}) * (estimate + {{ unit }})
        )) as total_high,
        max(estimate) filter (weight is null) as printed_total,
        max(estimate_text) filter (weight is null) as printed_total_text,
        max({{ unit }}) as half_unit,
        string_agg(weight_text, ' + ' order by comparison) as weights_text,
        abs(sum(weight) - 1) <= count(weight) * max({{ unit }}) + {{ edge }} as weights_fit,
        sum(least(
            (weight - {{ unit }}) * (estimate - {{ unit }}), (weight + {{ unit }}) * (estimate - {{ unit }}),
            (weight - {{ unit }}) * (estimate + {{ unit }}), (weight + {{ unit }}) * (estimate + {{ unit }})
        )) <= max(estimate) filter (weight is null) + max({{ unit }}) + {{ edge }}
        and sum(greatest(
            (weight - {{ unit }}) * (estimate - {{ unit }}), (weight + {{ unit }}) * (estimate - {{ unit }}),
            (weight - {{ unit }}) * (estimate + {{ unit }}), (weight + {{ unit }}) * (estimate + {{ unit }})
        )) >= max(estimate) filter (weight is null) - max({{ unit }}) - {{ edge }} as total_fits
    from bacon_parts
    group by treatment

),

{% endfor -%}
bacon_weights as (

    select
        '6' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        treatment as subject,
        weights_text as printed,
        format('{:.4f}; 1 within {:.4f}', weights, slack) as implied,
        if(weights_fit, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 6, {}: the weights sum to {:.4f}; rounding to {} decimals explains a distance of {:.4f} from 1.',
            treatment, weights, bacon_decimals.real_decimals, slack
        ) as sentence
    from bacon_sums_real
    cross join bacon_decimals

),

bacon_total as (

    select
        '6' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        treatment as subject,
        'total ' || printed_total_text as printed,
        format('{:.5f} ({})', total, {{ range_text % (5, 5, 'total_low', 'total_high') }}) as implied,
        if(total_fits, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 6, {}: weights times estimates sum to between {:.5f} and {:.5f} when rounded to {} '
            || 'decimals; the printed total is {}.',
            treatment, total_low, total_high, bacon_decimals.real_decimals, printed_total_text
        ) as sentence
    from bacon_sums_real
    cross join bacon_decimals
    where printed_total is not null

),

bacon_failures as (

    select count(*) filter (not weights_fit) + count(*) filter (not total_fits) as n_failures
    from bacon_sums_printed

),

padded_decimals as (

    select
        '6' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'trailing zeros' as subject,
        n_numbers || ' numbers with ' || printed_decimals || ' decimals' as printed,
        real_decimals || ' decimals' as implied,
        if(real_decimals < printed_decimals and n_failures > 0, 'suspicious', 'consistent') as verdict,
        if(
            real_decimals < printed_decimals and n_failures > 0,
            format(
                'Table 6: all {} numbers end in 0, so they are rounded to {} decimals and padded to {}; '
                || 'taken at the printed precision {} of the sums above would not come out.',
                n_numbers, real_decimals, printed_decimals, n_failures
            ),
            format('Table 6: the {} numbers carry the precision they are printed with.', n_numbers)
        ) as sentence
    from bacon_decimals
    cross join bacon_failures
    where n_numbers > 0

),

-- 3. and 11. Table 8: mediation
mediation as (

    select
        first_path.table_no,
        first_path.panel,
        first_path.place,
        first_path.outcome as mediator,
        first_path.treatment,
        first_path.column_no || ', ' || second_path.column_no as column_no,
        second_path.column_no as full_column_no,
        first_path.n_obs,
        first_path.estimate_text as a_text,
        first_path.estimate_low as a_low,
        first_path.estimate_high as a_high,
        first_path.t_text as t_a_text,
        first_path.t_abs_low as t_a_low,
        first_path.t_abs_high as t_a_high,
        second_path.estimate_text as b_text,
        second_path.estimate_low as b_low,
        second_path.estimate_high as b_high,
        second_path.t_text as t_b_text,
        second_path.t_abs_low as t_b_low,
        second_path.t_abs_high as t_b_high,
        second_path.t_low as t_b_signed_low,
        second_path.t_high as t_b_signed_high,
        second_path.r2_text as full_r2_text,
        second_path.r2_low as full_r2_low,
        second_path.r2_high as full_r2_high,
        direct.estimate_text as direct_text,
        direct.estimate_low as direct_low,
        direct.estimate_high as direct_high,
        direct.t_text as t_direct_text,
        direct.t_low as t_direct_low,
        direct.t_high as t_direct_high,
        direct.t_abs_low as t_direct_abs_low,
        direct.t_abs_high as t_direct_abs_high,
        total.estimate_text as total_text,
        total.estimate_low as total_low,
        total.estimate_high as total_high,
        total.r2_text as total_r2_text,
        total.r2_low as total_r2_low,
        total.r2_high as total_r2_high,
        alone.column_no as alone_column_no,
        alone.r2_text as alone_r2_text,
        alone.r2_low as alone_r2_low,
        alone.r2_high as alone_r2_high,
        -- The t values that the three simple relations rest on, signed: outcome on policy, mediator on policy, outcome
        -- on mediator.
        total.t_low as t_total_low,
        total.t_high as t_total_high,
        first_path.t_low as t_a_signed_low,
        first_path.t_high as t_a_signed_high,
        alone.t_low as t_alone_low,
        alone.t_high as t_alone_high,
        study.observations
        - study.cities - (study.years_2011_2021 - 1) - study.n_controls - 1 as df
    from coefficients as first_path
    inner join coefficients as second_path
        on
            first_path.table_no = second_path.table_no
            and first_path.panel_key = second_path.panel_key
            and first_path.outcome = second_path.term
            and first_path.treatment = second_path.treatment
    inner join coefficients as direct
        on
            second_path.table_no = direct.table_no
            and second_path.panel_key = direct.panel_key
            and second_path.column_no = direct.column_no
            and direct.term = direct.treatment
    left join baseline as total on first_path.treatment = total.treatment
    left join coefficients as alone
        on
            first_path.table_no = alone.table_no
            and first_path.panel_key = alone.panel_key
            and alone.treatment = 'none'
            and alone.term = first_path.outcome
    cross join study
    where first_path.table_no = '8' and first_path.term = first_path.treatment and second_path.outcome = 'nqp'

),

sobel_intervals as (

    select
        mediation.*,
        sobel.sobel_z as z_text,
        abs(sobel.sobel_z::double) - {{ half % 'sobel.sobel_z' }} as z_low,
        abs(sobel.sobel_z::double) + {{ half % 'sobel.sobel_z' }} as z_high,
        least(mediation.t_a_high, mediation.t_b_high) as bound,
        mediation.t_a_low * mediation.t_b_low
        / nullif(sqrt(mediation.t_a_low ** 2 + mediation.t_b_low ** 2), 0) as formula_low,
        mediation.t_a_high * mediation.t_b_high
        / sqrt(mediation.t_a_high ** 2 + mediation.t_b_high ** 2) as formula_high
    from sobel
    inner join mediation on sobel.mediator = mediation.mediator and sobel.treatment = mediation.treatment

),

sobel_bound as (

    select
        table_no,
        panel,
        column_no,
        mediator || '/' || treatment as subject,
        format('Z {}; t {} and {}', z_text, t_a_text, t_b_text) as printed,
        format('at most {:.3f}', bound) as implied,
        if(z_low <= bound + {{ edge }}, 'consistent', 'inconsistent') as verdict,
        if(
            z_low <= bound + {{ edge }},
            format(
                '{}, {} through {}: the Sobel Z {} does not exceed the smaller of its two t values, {} and {}.',
                place, treatment, mediator, z_text, t_a_text, t_b_text
            ),
            format(
                '{}, {} through {}: a Sobel Z can never exceed the smaller of its two t values, here {} and '
                || '{} (at most {:.3f} before rounding), yet {} is reported.',
                place, treatment, mediator, t_a_text, t_b_text, bound, z_text
            )
        ) as sentence
    from sobel_intervals

),

sobel_formula as (

    select
        table_no,
        panel,
        column_no,
        mediator || '/' || treatment as subject,
        format('Z {}; t {} and {}', z_text, t_a_text, t_b_text) as printed,
        {{ range_text % (3, 3, 'formula_low', 'formula_high') }} as implied,
        if(
            z_low <= formula_high + {{ edge }} and formula_low <= z_high + {{ edge }}, 'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{}, {} through {}: the two printed t values give a Sobel Z between {:.3f} and {:.3f}; {} is reported.',
            place, treatment, mediator, formula_low, formula_high, z_text
        ) as sentence
    from sobel_intervals

),

indirect_effects as (

    select
        *,
        direct_low + least(a_low * b_low, a_low * b_high, a_high * b_low, a_high * b_high) as implied_low,
        direct_high + greatest(a_low * b_low, a_low * b_high, a_high * b_low, a_high * b_high) as implied_high
    from mediation
    where total_text is not null

),

total_effect as (

    select
        table_no,
        panel,
        column_no,
        mediator || '/' || treatment as subject,
        format('total {}; direct {}, a {}, b {}', total_text, direct_text, a_text, b_text) as printed,
        {{ range_text % (5, 5, 'implied_low', 'implied_high') }} as implied,
        if(
            total_low <= implied_high + {{ edge }} and implied_low <= total_high + {{ edge }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{}, {} through {}: direct effect plus a times b is between {:.5f} and {:.5f}; the baseline '
            || 'coefficient is {}.',
            place, treatment, mediator, implied_low, implied_high, total_text
        ) as sentence
    from indirect_effects

),

-- With conventional errors the t values of the joint regression follow from those of the three simple ones through the
-- partial correlation r = t / sqrt(t^2 + df).
mediator_corners as (

    select
        mediation.*,
        t_total / sqrt(t_total ** 2 + df) as r_total,
        t_first / sqrt(t_first ** 2 + df) as r_first,
        t_alone / sqrt(t_alone ** 2 + df) as r_alone
    from mediation
    cross join unnest([t_total_low, t_total_high]) as totals (t_total)
    cross join unnest([t_a_signed_low, t_a_signed_high]) as firsts (t_first)
    cross join unnest([t_alone_low, t_alone_high]) as alones (t_alone)
    where df is not null and t_total_low is not null and t_alone_low is not null

),

mediator_correlations as (

    select
        *,
        (r_total - r_alone * r_first) / sqrt((1 - r_alone ** 2) * (1 - r_first ** 2)) as r_direct,
        (r_alone - r_total * r_first) / sqrt((1 - r_total ** 2) * (1 - r_first ** 2)) as r_second
    from mediator_corners

),

joint_t_values as (

    select
        table_no,
        panel,
        place,
        full_column_no,
        mediator,
        treatment,
        unnest([treatment, mediator]) as term,
        unnest([any_value(t_direct_text), any_value(t_b_text)]) as t_text,
        unnest([any_value(t_direct_low), any_value(t_b_signed_low)]) as t_low,
        unnest([any_value(t_direct_high), any_value(t_b_signed_high)]) as t_high,
        unnest([
            min(r_direct * sqrt((df - 1) / (1 - r_direct ** 2))), min(r_second * sqrt((df - 1) / (1 - r_second ** 2)))
        ]) as implied_low,
        unnest([
            max(r_direct * sqrt((df - 1) / (1 - r_direct ** 2))), max(r_second * sqrt((df - 1) / (1 - r_second ** 2)))
        ]) as implied_high
    from mediator_correlations
    group by table_no, panel, place, full_column_no, mediator, treatment

),

mediator_t_values as (

    select
        table_no,
        panel,
        full_column_no as column_no,
        treatment || '/' || term as subject,
        't ' || t_text as printed,
        {{ range_text % (3, 3, 'implied_low', 'implied_high') }} as implied,
        if(
            t_low <= implied_high + {{ edge }} and implied_low <= t_high + {{ edge }}, 'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{} column {}: the t values of the three regressions with one of the two alone imply {:.3f} to '
            || '{:.3f} for {} beside the other; {} is printed.',
            place, full_column_no, implied_low, implied_high, term, t_text
        ) as sentence
    from joint_t_values

),

-- 6. Panels that repeat another panel
regressions as (

    select
        *,
        case treatment when 'bcs' then 1 when 'iic' then 2 when 'dual' then 3 else 4 end as treatment_order
    from coefficients
    where term = treatment

),

panel_sizes as (

    select
        table_no,
        panel,
        panel_key,
        place,
        count(*) as n_regressions,
        string_agg(column_no, ', ' order by column_no::integer) as column_no,
        string_agg(format('{} (t {})', estimate_text, t_text), ', ' order by column_no::integer) as printed
    from regressions
    group by table_no, panel, panel_key, place

),

repetitions as (

    select
        later.table_no,
        later.panel_key,
        earlier.place as earlier_place,
        count(*) as n_repeated,
        max(later.n_obs) as n_obs,
        max(earlier.n_obs) as earlier_n_obs,
        bool_or(later.n_obs != earlier.n_obs) as other_sample,
        string_agg(
            format('{} (t {}, R² {})', earlier.estimate_text, earlier.t_text, coalesce(earlier.r2_text, 'none')), ', '
            order by earlier.column_no::integer
        ) as repeated
    from regressions as later
    inner join regressions as earlier
        on
            (later.table_no != earlier.table_no or later.panel_key != earlier.panel_key)
            and (later.table_no::integer, later.panel_key) > (earlier.table_no::integer, earlier.panel_key)
            and later.outcome = earlier.outcome
            and later.treatment = earlier.treatment
            and later.estimate_text = earlier.estimate_text
            and later.t_text = earlier.t_text
            and later.r2_text is not distinct from earlier.r2_text
    group by later.table_no, later.panel_key, earlier.place

),

repeated_panel as (

    select
        panel_sizes.table_no,
        panel_sizes.panel,
        panel_sizes.column_no,
        'all policies' as subject,
        panel_sizes.printed,
        coalesce(repetitions.earlier_place || ': ' || repetitions.repeated, 'no other panel with these numbers')
            as implied,
        case
            when repetitions.n_repeated is null then 'consistent'
            when repetitions.other_sample then 'inconsistent'
            else 'suspicious'
        end as verdict,
        case
            when repetitions.n_repeated is null
                then panel_sizes.place || ' repeats no regression of an earlier panel.'
            when repetitions.other_sample
                then format(
                    '{} repeats estimate, t value and R² of {} of its {} regressions from {} to the last '
                    || 'digit, although it has {:,} observations instead of {:,}.',
                    panel_sizes.place, repetitions.n_repeated, panel_sizes.n_regressions, repetitions.earlier_place,
                    repetitions.n_obs, repetitions.earlier_n_obs
                )
            else
                format(
                    '{} repeats estimate, t value and R² of {} of its {} regressions from {} to the last digit.',
                    panel_sizes.place, repetitions.n_repeated, panel_sizes.n_regressions, repetitions.earlier_place
                )
        end as sentence
    from panel_sizes
    left join repetitions
        on panel_sizes.table_no = repetitions.table_no and panel_sizes.panel_key = repetitions.panel_key

),

-- 8. R² of regressions that only add regressors to another on the same sample
nested as (

    select
        larger.table_no,
        larger.panel,
        larger.column_no,
        larger.place,
        larger.treatment,
        larger.r2_text as larger_text,
        larger.r2_low as larger_low,
        larger.r2_high as larger_high,
        baseline.r2_text as smaller_text,
        baseline.r2_low as smaller_low,
        baseline.r2_high as smaller_high,
        'Table 3' as smaller_place
    from regressions as larger
    inner join baseline on larger.treatment = baseline.treatment and larger.outcome = baseline.outcome
    where
        (larger.table_no = '8' or larger.panel_key in ('C_other_policies', 'D_high_dimensional_fe'))
        and larger.n_obs = baseline.n_obs
        and larger.r2_text is not null
        and baseline.r2_text is not null

    union all

    select
        table_no,
        panel,
        full_column_no as column_no,
        place,
        treatment,
        full_r2_text as larger_text,
        full_r2_low as larger_low,
        full_r2_high as larger_high,
        alone_r2_text as smaller_text,
        alone_r2_low as smaller_low,
        alone_r2_high as smaller_high,
        'column ' || alone_column_no as smaller_place
    from mediation
    where alone_r2_text is not null and full_r2_text is not null

),

r2_monotonicity as (

    select
        table_no,
        panel,
        column_no,
        treatment || ' against ' || smaller_place as subject,
        'R² ' || larger_text as printed,
        'at least ' || smaller_text as implied,
        if(larger_high + {{ edge }} >= smaller_low, 'consistent', 'inconsistent') as verdict,
        format(
            '{} column {}: it adds regressors to {} on the same sample, so its R² of {} {} below {}.',
            place, column_no, smaller_place, larger_text,
            if(larger_high + {{ edge }} >= smaller_low, 'must not be and is not', 'must not be, but is'), smaller_text
        ) as sentence
    from nested

),

-- Regressors that have nothing to do with the outcome raise R² too: by (1 - R²) / df each, on average.
chance_gains as (

    select
        nested.*,
        (nested.larger_high - nested.smaller_low) / (1 - nested.smaller_low)
        * (study.observations - study.cities - (study.years_2011_2021 - 1) - study.n_controls - 1) as worth_regressors
    from nested
    cross join study
    where nested.panel = 'D_high_dimensional_fe' and study.observations is not null

),

r2_gain_by_chance as (

    select
        table_no,
        panel,
        column_no,
        treatment as subject,
        format('R² {} after {}', larger_text, smaller_text) as printed,
        format('what at most {:.0f} unrelated regressors add', worth_regressors) as implied,
        if(worth_regressors >= {{ province_year_effects }}, 'consistent', 'suspicious') as verdict,
        if(
            worth_regressors >= {{ province_year_effects }},
            format(
                '{} column {}: R² rises from {} to {}, as additional fixed effects would make it.',
                place, column_no, smaller_text, larger_text
            ),
            format(
                '{} column {}: R² rises from {} to {}, no more than about {:.0f} regressors unrelated to the '
                || 'outcome would add by chance, while province-year effects alone are some {}; unless this R² '
                || 'is adjusted, the regression can hardly contain them.',
                place, column_no, smaller_text, larger_text, worth_regressors, {{ province_year_effects }}
            )
        ) as sentence
    from chance_gains

),

-- With conventional errors, taking one regressor out lowers R² to exactly 1 - (1 - R²)(1 + t²/df).
gains as (

    select
        table_no,
        panel,
        full_column_no as column_no,
        place,
        treatment,
        df - 1 as df,
        full_r2_text,
        full_r2_low,
        full_r2_high,
        unnest([treatment, mediator]) as term,
        unnest([t_direct_text, t_b_text]) as t_text,
        unnest([t_direct_abs_low, t_b_low]) as t_abs_low,
        unnest([t_direct_abs_high, t_b_high]) as t_abs_high,
        unnest([alone_r2_text, total_r2_text]) as smaller_text,
        unnest([alone_r2_low, total_r2_low]) as smaller_low,
        unnest([alone_r2_high, total_r2_high]) as smaller_high,
        unnest(['column ' || alone_column_no, 'Table 3']) as smaller_place
    from mediation

),

gain_intervals as (

    select
        *,
        1 - (1 - full_r2_low) * (1 + t_abs_high ** 2 / df) as implied_low,
        1 - (1 - full_r2_high) * (1 + t_abs_low ** 2 / df) as implied_high
    from gains
    where smaller_text is not null and full_r2_text is not null and df is not null

),

r2_gain_against_t as (

    select
        table_no,
        panel,
        column_no,
        treatment || '/' || term as subject,
        format('R² {} (t {}); {} without it', full_r2_text, t_text, smaller_text) as printed,
        {{ range_text % (5, 5, 'implied_low', 'implied_high') }} as implied,
        if(
            smaller_low <= implied_high + {{ edge }} and implied_low <= smaller_high + {{ edge }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{} column {}: with its t value of {}, taking {} out lowers R² from {} to between {:.5f} and '
            || '{:.5f}; {} prints {}.',
            place, column_no, t_text, term, full_r2_text, implied_low, implied_high, smaller_place, smaller_text
        ) as sentence
    from gain_intervals

),

-- 7. Standard errors of two groups of different size
group_pairs as (

    select
        larger.table_no,
        larger.panel,
        larger.panel_key,
        larger.place,
        larger.treatment,
        least(larger.column_no::integer, smaller.column_no::integer) || ', '
        || greatest(larger.column_no::integer, smaller.column_no::integer) as column_no,
        larger.p_text,
        larger.sample as larger_sample,
        larger.n_obs as larger_n_obs,
        larger.estimate_text as larger_estimate_text,
        larger.t_text as larger_t_text,
        larger.stars as larger_stars,
        larger.t_abs_low as larger_t_low,
        larger.t_abs_high as larger_t_high,
        abs(larger.estimate / larger.t_value) as larger_se,
        abs(larger.estimate / smaller.t_value) as larger_se_swapped_t,
        (abs(larger.estimate) - (larger.estimate_high - larger.estimate)) / larger.t_abs_high as larger_se_low,
        smaller.sample as smaller_sample,
        smaller.n_obs as smaller_n_obs,
        smaller.estimate_text as smaller_estimate_text,
        smaller.t_text as smaller_t_text,
        smaller.stars as smaller_stars,
        smaller.t_abs_low as smaller_t_low,
        smaller.t_abs_high as smaller_t_high,
        abs(smaller.estimate / smaller.t_value) as smaller_se,
        abs(smaller.estimate / larger.t_value) as smaller_se_swapped_t,
        (abs(smaller.estimate) + (smaller.estimate_high - smaller.estimate)) / smaller.t_abs_low as smaller_se_high,
        -- The difference of the two estimates in standard errors, at the edges that make it largest and smallest.
        (
            abs(larger.estimate - smaller.estimate)
            + (larger.estimate_high - larger.estimate) + (smaller.estimate_high - smaller.estimate)
        ) / sqrt(
            ((abs(larger.estimate) - (larger.estimate_high - larger.estimate)) / larger.t_abs_high) ** 2
            + ((abs(smaller.estimate) - (smaller.estimate_high - smaller.estimate)) / smaller.t_abs_high) ** 2
        ) as z_high,
        greatest(
            abs(larger.estimate - smaller.estimate)
            - (larger.estimate_high - larger.estimate) - (smaller.estimate_high - smaller.estimate),
            0
        ) / sqrt(
            ((abs(larger.estimate) + (larger.estimate_high - larger.estimate)) / larger.t_abs_low) ** 2
            + ((abs(smaller.estimate) + (smaller.estimate_high - smaller.estimate)) / smaller.t_abs_low) ** 2
        ) as z_low
    from regressions as larger
    inner join regressions as smaller
        on
            larger.table_no = smaller.table_no
            and larger.panel_key = smaller.panel_key
            and larger.treatment = smaller.treatment
            and larger.n_obs > smaller.n_obs
    where larger.table_no = '10'

),

group_pair_flags as (

    select
        group_pairs.*,
        baseline.std_error as baseline_se,
        baseline.n_obs as baseline_n_obs,
        -- With equal variances the standard error falls with the root of the observations.
        abs(ln(larger_se_swapped_t / (baseline.std_error * sqrt(baseline.n_obs / group_pairs.larger_n_obs))))
        > abs(ln(smaller_se / (baseline.std_error * sqrt(baseline.n_obs / group_pairs.larger_n_obs))))
            as whole_cells_are_nearer,
        larger_se_low > {{ largest_se_ratio }} * smaller_se_high
        and larger_se_swapped_t < smaller_se_swapped_t as looks_swapped
    from group_pairs
    left join baseline on group_pairs.treatment = baseline.treatment

),

se_across_groups as (

    select
        table_no,
        panel,
        column_no,
        treatment as subject,
        format(
            '{} {}{} (t {}, N {}); {} {}{} (t {}, N {})',
            larger_sample, larger_estimate_text, larger_stars, larger_t_text, larger_n_obs,
            smaller_sample, smaller_estimate_text, smaller_stars, smaller_t_text, smaller_n_obs
        ) as printed,
        format('standard errors {:.5f} and {:.5f}', larger_se, smaller_se)
        || if(
            looks_swapped,
            format(
                '; t values swapped {:.5f} and {:.5f}; estimates and t values swapped {:.5f} and {:.5f}',
                larger_se_swapped_t, smaller_se_swapped_t, smaller_se, larger_se
            ),
            ''
        )
        || coalesce(format('; Table 3 {:.5f}', baseline_se), '') as implied,
        if(looks_swapped, 'suspicious', 'consistent') as verdict,
        if(
            looks_swapped,
            format(
                '{}, {}: {} has {:,} observations and an implied standard error of {:.4f}, {:.1f} times that '
                || 'of {} ({:.4f}) with only {:,}, so the t values look swapped; swapping them gives {:.4f} and '
                || '{:.4f}, swapping them together with the estimates {:.4f} and {:.4f}{}.',
                place, treatment, larger_sample, larger_n_obs, larger_se, larger_se / smaller_se, smaller_sample,
                smaller_se, smaller_n_obs, larger_se_swapped_t, smaller_se_swapped_t, smaller_se, larger_se,
                coalesce(
                    format(
                        ', and the {} fits better with {:.4f} among the {:,} of Table 3',
                        if(whole_cells_are_nearer, 'latter', 'former'), baseline_se, baseline_n_obs
                    ),
                    ''
                )
            ),
            format(
                '{}, {}: the implied standard error is {:.4f} with {:,} observations and {:.4f} with {:,}, a '
                || 'ratio of {:.1f} that needs no slip to explain it.',
                place, treatment, larger_se, larger_n_obs, smaller_se, smaller_n_obs, larger_se / smaller_se
            )
        ) as sentence
    from group_pair_flags

),

group_difference as (

    select
        table_no,
        panel,
        column_no,
        treatment as subject,
        'P ' || p_text as printed,
        'z ' || {{ range_text % (2, 2, 'z_low', 'z_high') }} as implied,
        case
            when p_text::double <= 0.05 and z_high < {{ critical_values[1] }} then 'suspicious'
            when p_text::double > 0.05 and z_low > {{ critical_values[1] }} then 'suspicious'
            else 'consistent'
        end as verdict,
        format(
            '{}, {}: the printed estimates and t values put the two groups between {:.2f} and {:.2f} '
            || 'standard errors apart, which {} the printed P of {} for their difference.',
            place, treatment, z_low, z_high,
            case
                when p_text::double <= 0.05 and z_high < {{ critical_values[1] }}
                    then 'is not significant at 5 % and does not go with'
                when p_text::double > 0.05 and z_low > {{ critical_values[1] }}
                    then 'is significant at 5 % and does not go with'
                else 'does not contradict'
            end,
            p_text
        ) as sentence
    from group_pair_flags
    where p_text is not null

),

swapped_t_values as (

    select
        table_no,
        panel_key,
        treatment,
        unnest([larger_sample, smaller_sample]) as sample,
        unnest([smaller_t_low, larger_t_low]) as t_low,
        unnest([smaller_t_high, larger_t_high]) as t_high
    from group_pair_flags
    where looks_swapped

),

additional_terms as (

    select
        table_no,
        panel_key,
        column_no,
        count(*) - 1 as n_terms
    from coefficients
    where table_no != '3'
    group by table_no, panel_key, column_no

),

-- On one sample, all policies' regressions lead back to one R² without the policy: 1 - (1 - R²)(1 + t²/df).
-- Clustered t values (Table 5 D) and samples that differ by policy (Table 5 A) are left out.
common_base as (

    select
        regressions.*,
        coalesce(swapped.t_low, regressions.t_abs_low) as other_t_low,
        coalesce(swapped.t_high, regressions.t_abs_high) as other_t_high,
        swapped.t_low is not null as looks_swapped,
        study.cities,
        study.years_2011_2021 - if(regressions.panel_key = 'B_lagged_treatment', 1, 0) as n_years,
        study.n_controls + 1 + coalesce(additional.n_terms, 0) as n_regressors
    from regressions
    left join swapped_t_values as swapped
        on
            regressions.table_no = swapped.table_no
            and regressions.panel_key = swapped.panel_key
            and regressions.treatment = swapped.treatment
            and regressions.sample = swapped.sample
    left join additional_terms as additional
        on
            regressions.table_no = additional.table_no
            and regressions.panel_key = additional.panel_key
            and regressions.column_no = additional.column_no
    cross join study
    where
        regressions.r2_text is not null
        and study.cities is not null
        and regressions.panel_key not in ('A_psm_did', 'D_high_dimensional_fe')
        and (regressions.table_no in ('3', '5', '10') or regressions.outcome != 'nqp')

),

-- The number of cities is known where the groups are fixed; elsewhere every possible number is tried.
base_intervals as (

    select
        common_base.*,
        n_cities,
        1 - (1 - r2_low) * (1 + t_abs_high ** 2 / (n_obs - n_cities - (n_years - 1) - n_regressors)) as base_low,
        1 - (1 - r2_high) * (1 + t_abs_low ** 2 / (n_obs - n_cities - (n_years - 1) - n_regressors)) as base_high,
        1 - (1 - r2_low) * (1 + other_t_high ** 2 / (n_obs - n_cities - (n_years - 1) - n_regressors))
            as other_base_low,
        1 - (1 - r2_high) * (1 + other_t_low ** 2 / (n_obs - n_cities - (n_years - 1) - n_regressors))
            as other_base_high
    from common_base
    cross join unnest(generate_series(
        ceil(n_obs / n_years)::bigint,
        greatest(ceil(n_obs / n_years)::bigint, if(panel_key in {{ changing_groups }}, cities, 0))
    )) as numbers (n_cities)

),

base_pairs as (

    select
        one.table_no,
        one.panel_key,
        one.sample,
        one.n_obs,
        one.outcome,
        one.treatment,
        two.treatment as other_treatment,
        one.n_cities,
        -- Negative where the intervals overlap.
        greatest(one.base_low - two.other_base_high, two.other_base_low - one.base_high) as gap,
        greatest(one.other_base_low - two.other_base_high, two.other_base_low - one.other_base_high) as swapped_gap,
        one.base_low,
        one.base_high,
        one.other_base_low,
        one.other_base_high,
        two.other_base_low as two_low,
        two.other_base_high as two_high,
        two.looks_swapped as two_swapped,
        two.treatment_order as two_order
    from base_intervals as one
    inner join base_intervals as two
        on
            one.table_no = two.table_no
            and one.panel_key = two.panel_key
            and one.sample = two.sample
            and one.n_obs = two.n_obs
            and one.outcome = two.outcome
            and one.n_cities = two.n_cities
            and one.treatment != two.treatment

),

pair_sums as (

    select
        *,
        sum(least(gap, swapped_gap)) over (
            partition by table_no, panel_key, sample, n_obs, outcome, treatment, n_cities
        ) as sum_of_gaps
    from base_pairs

),

-- For the reader: the intervals at the number of cities at which the columns come closest to each other.
closest_pairs as (

    select
        pair_sums.*,
        first_value(n_cities) over (
            partition by table_no, panel_key, sample, n_obs, outcome, treatment
            order by round(sum_of_gaps, 12), n_cities
        ) as shown_cities,
        min(gap) over (
            partition by table_no, panel_key, sample, n_obs, outcome, treatment, other_treatment
        ) as least_gap
    from pair_sums

),

base_findings as (

    select
        table_no,
        panel_key,
        sample,
        n_obs,
        outcome,
        treatment,
        min(gap) <= {{ edge }} as fits,
        min(swapped_gap) <= {{ edge }} as fits_swapped,
        any_value(base_low) filter (n_cities = shown_cities) as base_low,
        any_value(base_high) filter (n_cities = shown_cities) as base_high,
        any_value(other_base_low) filter (n_cities = shown_cities) as other_base_low,
        any_value(other_base_high) filter (n_cities = shown_cities) as other_base_high,
        string_agg(
            {{ range_text % (5, 5, 'two_low', 'two_high') }} || ' (' || other_treatment
            || if(two_swapped, ', t values swapped', '') || ')',
            ' and ' order by two_order
        ) filter (n_cities = shown_cities) as others,
        string_agg(distinct other_treatment, ' and ' order by other_treatment) filter (least_gap <= {{ edge }})
            as agreeing
    from closest_pairs
    group by table_no, panel_key, sample, n_obs, outcome, treatment

),

-- Whether two other columns agree with each other, so that this one is the odd one.
other_agreements as (

    select distinct
        base_findings.table_no,
        base_findings.panel_key,
        base_findings.sample,
        base_findings.n_obs,
        base_findings.outcome,
        base_findings.treatment
    from base_findings
    inner join base_pairs
        on
            base_findings.table_no = base_pairs.table_no
            and base_findings.panel_key = base_pairs.panel_key
            and base_findings.sample = base_pairs.sample
            and base_findings.n_obs = base_pairs.n_obs
            and base_findings.outcome = base_pairs.outcome
            and base_findings.treatment not in (base_pairs.treatment, base_pairs.other_treatment)
            and base_pairs.swapped_gap <= {{ edge }}

),

base_verdicts as (

    select
        common_base.*,
        base_findings.* exclude (table_no, panel_key, sample, n_obs, outcome, treatment),
        case
            when base_findings.fits then 'fits'
            when common_base.looks_swapped and base_findings.fits_swapped then 'fits_swapped'
            when other_agreements.treatment is not null then 'odd_one'
            else 'no_two_agree'
        end as finding
    from common_base
    inner join base_findings using (table_no, panel_key, sample, n_obs, outcome, treatment)
    left join other_agreements using (table_no, panel_key, sample, n_obs, outcome, treatment)

),

r2_without_policy as (

    select
        table_no,
        panel,
        column_no,
        outcome || '/' || treatment || '/' || sample as subject,
        format('R² {} (t {}, N {})', r2_text, t_text, n_obs) as printed,
        format('without the policy {}; {}', {{ range_text % (5, 5, 'base_low', 'base_high') }}, others) as implied,
        case finding
            when 'fits' then 'consistent'
            when 'no_two_agree' then 'cannot be decided'
            else 'inconsistent'
        end as verdict,
        format(
            '{} column {}: R² and t value of {} lead back to an R² of {} without the policy, ',
            place, column_no, treatment, {{ range_text % (5, 5, 'base_low', 'base_high') }}
        )
        || case finding
            when 'fits' then format('as those of {} do on the same sample.', agreeing)
            when 'fits_swapped'
                then format(
                    'but the same sample must give one value and the others give {}; with the t values of '
                    || 'the two groups swapped it would be {} and agree.',
                    others, {{ range_text % (5, 5, 'other_base_low', 'other_base_high') }}
                )
            when 'odd_one'
                then format(
                    'but the same sample must give one value and the others agree on {}{}; its R², t value '
                    || 'or sample cannot be as printed.',
                    others,
                    if(
                        looks_swapped,
                        format(
                            '; with the t values of the two groups swapped it would be {}, closer but not equal',
                            {{ range_text % (5, 5, 'other_base_low', 'other_base_high') }}
                        ),
                        ''
                    )
                )
            else
                format(
                    'but the same sample must give one value and the others give {}; no two agree, so which '
                    || 'is wrong cannot be said.',
                    others
                )
        end as sentence
    from base_verdicts

),

-- The printed constant is the mean of the outcome less the means of the regressors times their coefficients.
constant_parts as (

    select
        slopes.column_no,
        slopes.treatment,
        count(moments.variable) = count(*) as all_known,
        sum(least(
            slopes.estimate_low * moments.mean_low, slopes.estimate_low * moments.mean_high,
            slopes.estimate_high * moments.mean_low, slopes.estimate_high * moments.mean_high
        )) as fitted_low,
        sum(greatest(
            slopes.estimate_low * moments.mean_low, slopes.estimate_low * moments.mean_high,
            slopes.estimate_high * moments.mean_low, slopes.estimate_high * moments.mean_high
        )) as fitted_high
    from coefficients as slopes
    left join moments on slopes.term = moments.variable
    where slopes.table_no = '3' and slopes.term != 'constant'
    group by slopes.column_no, slopes.treatment

),

constant_intervals as (

    select
        coefficients.*,
        moments.mean_low - constant_parts.fitted_high as implied_low,
        moments.mean_high - constant_parts.fitted_low as implied_high
    from coefficients
    inner join constant_parts
        on coefficients.column_no = constant_parts.column_no and coefficients.treatment = constant_parts.treatment
    inner join moments on coefficients.outcome = moments.variable
    where coefficients.table_no = '3' and coefficients.term = 'constant' and constant_parts.all_known

),

constant_through_means as (

    select
        table_no,
        panel,
        column_no,
        treatment || '/constant' as subject,
        estimate_text as printed,
        {{ range_text % (4, 4, 'implied_low', 'implied_high') }} as implied,
        if(
            estimate_low <= implied_high + {{ edge }} and implied_low <= estimate_high + {{ edge }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{} column {}: the means of Table 2 and the coefficients imply a constant between {:.4f} and '
            || '{:.4f}; {} is printed.',
            place, column_no, implied_low, implied_high, estimate_text
        ) as sentence
    from constant_intervals

),

-- Table 4: with one instrument, first stage times second stage is the effect of the instrument on the outcome. It does
-- not depend on the policy if all three columns use one instrument (section 4.2 (1): relief times the dual policy).
instrumented as (

    select
        first_stage.treatment,
        first_stage.column_no || ', ' || second_stage.column_no as column_no,
        first_stage.column_no::integer as position,
        first_stage.table_no,
        first_stage.place,
        first_stage.estimate_text as first_text,
        second_stage.estimate_text as second_text,
        first_stage.t_text as t_text,
        first_stage.t_abs_low,
        first_stage.t_abs_high,
        least(
            first_stage.estimate_low * second_stage.estimate_low,
            first_stage.estimate_low * second_stage.estimate_high,
            first_stage.estimate_high * second_stage.estimate_low,
            first_stage.estimate_high * second_stage.estimate_high
        ) as reduced_low,
        greatest(
            first_stage.estimate_low * second_stage.estimate_low,
            first_stage.estimate_low * second_stage.estimate_high,
            first_stage.estimate_high * second_stage.estimate_low,
            first_stage.estimate_high * second_stage.estimate_high
        ) as reduced_high
    from coefficients as first_stage
    inner join coefficients as second_stage
        on first_stage.table_no = second_stage.table_no and first_stage.treatment = second_stage.treatment
    where first_stage.panel_key = 'first_stage' and second_stage.panel_key = 'second_stage'

),

reduced_forms as (

    select
        table_no,
        place,
        string_agg(column_no, ', ' order by position) as column_no,
        string_agg(format('{}: {} x {}', treatment, first_text, second_text), '; ' order by position) as printed,
        string_agg(
            format('{}: {}', treatment, {{ range_text % (5, 5, 'reduced_low', 'reduced_high') }}),
            '; ' order by position
        ) as implied,
        max(reduced_low) <= min(reduced_high) + {{ edge }} as is_one
    from instrumented
    group by table_no, place
    having count(*) > 1

),

shared_instrument as (

    select
        table_no,
        null::varchar as panel,
        column_no,
        'instrument' as subject,
        printed,
        implied,
        if(is_one, 'consistent', 'inconsistent') as verdict,
        format(
            '{}: first times second stage is the effect of the instrument on the outcome, which one '
            || 'instrument for all policies must leave the same; it is {}, {}.',
            place, implied,
            if(
                is_one,
                'the same within rounding', 'so the columns cannot share the one instrument that the text names'
            )
        ) as sentence
    from reduced_forms

),

-- With one instrument the Cragg-Donald F is the square of the first-stage t, if that t is a conventional one.
first_stage_intervals as (

    select
        instrumented.*,
        diagnostics.cragg_donald_wald_f as f_text,
        diagnostics.cragg_donald_wald_f::double - {{ half % 'diagnostics.cragg_donald_wald_f' }} as f_low,
        diagnostics.cragg_donald_wald_f::double + {{ half % 'diagnostics.cragg_donald_wald_f' }} as f_high,
        instrumented.t_abs_low ** 2 <= diagnostics.cragg_donald_wald_f::double
        + {{ half % 'diagnostics.cragg_donald_wald_f' }}
        and diagnostics.cragg_donald_wald_f::double - {{ half % 'diagnostics.cragg_donald_wald_f' }}
        <= instrumented.t_abs_high ** 2 as fits
    from instrumented
    inner join diagnostics on instrumented.treatment = diagnostics.treatment

),

first_stage_f as (

    select
        table_no,
        'first_stage' as panel,
        split_part(column_no, ', ', 1) as column_no,
        treatment as subject,
        format('Cragg-Donald F {}; first-stage t {}', f_text, t_text) as printed,
        't² ' || {{ range_text % (1, 1, 't_abs_low ** 2', 't_abs_high ** 2') }} as implied,
        if(fits, 'consistent', 'cannot be decided') as verdict,
        format(
            '{} column {}: with one instrument the Cragg-Donald F is the square of the conventional '
            || 'first-stage t, here {:.1f} to {:.1f}; {} is printed{}.',
            place, split_part(column_no, ', ', 1), t_abs_low ** 2, t_abs_high ** 2, f_text,
            if(fits, '', ', which is right only if the t values of this table are robust ones, and it does not say')
        ) as sentence
    from first_stage_intervals

),

unioned as (

    {% for rule in check_ctes -%}
    select
        '{{ rule }}' as rule,
        {{ loop.index }} as rule_order,
        table_no,
        panel,
        column_no,
        subject,
        printed,
        implied,
        verdict,
        sentence
    from {{ rule }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        concat_ws(
            ':', rule, coalesce(table_no, ''), coalesce(panel, ''), replace(coalesce(column_no, ''), ', ', '+'),
            replace(subject, ' ', '_')
        ) as check_id,
        rule,
        table_no,
        panel,
        column_no,
        subject,
        printed,
        implied,
        verdict,
        verdict = 'inconsistent' or (rule = 'se_across_groups' and verdict = 'suspicious') as is_slip,
        sentence
    from unioned
    order by rule_order, try_cast(table_no as integer), panel, column_no, subject

)

select * from final
