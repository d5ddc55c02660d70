{#- Which count the observations of a published sample must be. -#}
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

with coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

counts as (

    select * from {{ ref('aud_published_counts') }}

),

sample_counts as (

    select * from {{ ref('published_sample_counts') }}

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

published_sizes as (

    select
        table_no,
        panel,
        panel_key,
        place,
        sample,
        min(n_obs) as smallest,
        max(n_obs) as largest,
        string_agg(distinct column_no, ', ' order by column_no) as column_no,
        string_agg(distinct n_obs::varchar, ', ' order by n_obs::varchar) as published
    from coefficients
    where panel_key != 'A_psm_did'
    group by table_no, panel, panel_key, place, sample

),

expected_sizes as (

    select
        published_sizes.*,
        case
            when panel_key = 'B_lagged_treatment' then counts.cities * (counts.years_2011_2021 - 1)
            when panel_key = 'E_no_municipalities' then counts.non_municipality_obs
            else sample_counts.value::integer
        end as expected,
        case
            when panel_key = 'B_lagged_treatment' then 'cities times the years that have a year before'
            when panel_key = 'E_no_municipalities' then 'the count non_municipality_obs'
            else 'the count ' || sample_counts.count
        end as words
    from published_sizes
    cross join counts
    left join sample_names on published_sizes.sample = sample_names.sample
    left join sample_counts on sample_names.count = sample_counts.count

),

sample_size as (

    select
        'sample_size' as rule,
        table_no,
        panel,
        column_no,
        sample as subject,
        published,
        expected::varchar as implied,
        if(smallest = expected and largest = expected, 'consistent', 'inconsistent') as verdict,
        format(
            '{}, sample {}: {} observations are published; by {} it must be {:,}.',
            place, sample, published, words, expected
        ) as sentence
    from expected_sizes
    where expected is not null

),

whole_cities as (

    select
        'whole_cities' as rule,
        published_sizes.table_no,
        published_sizes.panel,
        published_sizes.column_no,
        published_sizes.sample as subject,
        published_sizes.published,
        format('{:g} cities', round(published_sizes.largest / counts.years_2011_2021, 2)) as implied,
        if(published_sizes.largest % counts.years_2011_2021 = 0, 'consistent', 'inconsistent') as verdict,
        format(
            '{}, sample {}: a group of cities has {} observations per city in a balanced panel, so {} '
            || 'observations are {:g} cities.',
            published_sizes.place, published_sizes.sample, counts.years_2011_2021, published_sizes.published,
            round(published_sizes.largest / counts.years_2011_2021, 2)
        ) as sentence
    from published_sizes
    cross join counts
    where
        published_sizes.table_no in ('7', '9', '10')
        and published_sizes.panel_key not in {{ changing_groups() }}
        and counts.years_2011_2021 is not null

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
        'matched_sample_size' as rule,
        table_no,
        panel,
        column_no,
        treatment as subject,
        n_obs || ' observations' as published,
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

final as (

    select * from sample_size
    union all
    select * from whole_cities
    union all
    select * from matched_sample_size

)

select * from final
