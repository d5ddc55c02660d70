{#- Section 4.2 (6): province-year effects. 31 provinces and 11 years leave (31 - 1) x (11 - 1) dummies. -#}
{%- set province_year_effects = 300 -%}

with mediation as (

    select * from {{ ref('aud_mediation_paths') }}

),

counts as (

    select * from {{ ref('aud_published_counts') }}

),

-- The coefficient of the policy itself.
regressions as (

    select *
    from {{ ref('aud_published_coefficients') }}
    where term = treatment

),

-- R² of regressions that only add regressors to another on the same sample
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
    inner join regressions as baseline
        on larger.treatment = baseline.treatment and larger.outcome = baseline.outcome and baseline.table_no = '3'
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
        'r2_monotonicity' as rule,
        table_no,
        panel,
        column_no,
        treatment || ' against ' || smaller_place as subject,
        'R² ' || larger_text as published,
        'at least ' || smaller_text as implied,
        if(larger_high + {{ edge() }} >= smaller_low, 'consistent', 'inconsistent') as verdict,
        format(
            '{} column {}: it adds regressors to {} on the same sample, so its R² of {} {} below {}.',
            place, column_no, smaller_place, larger_text,
            if(larger_high + {{ edge() }} >= smaller_low, 'must not be and is not', 'must not be, but is'), smaller_text
        ) as sentence
    from nested

),

-- Regressors that have nothing to do with the outcome raise R² too: by (1 - R²) / df each, on average.
chance_gains as (

    select
        nested.*,
        (nested.larger_high - nested.smaller_low) / (1 - nested.smaller_low) * counts.baseline_df as worth_regressors
    from nested
    cross join counts
    where nested.panel = 'D_high_dimensional_fe' and counts.baseline_df is not null

),

r2_gain_by_chance as (

    select
        'r2_gain_by_chance' as rule,
        table_no,
        panel,
        column_no,
        treatment as subject,
        format('R² {} after {}', larger_text, smaller_text) as published,
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
        'r2_gain_against_t' as rule,
        table_no,
        panel,
        column_no,
        treatment || '/' || term as subject,
        format('R² {} (t {}); {} without it', full_r2_text, t_text, smaller_text) as published,
        {{ range_text(5, 'implied_low', 'implied_high') }} as implied,
        if(
            smaller_low <= implied_high + {{ edge() }} and implied_low <= smaller_high + {{ edge() }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{} column {}: with its t value of {}, taking {} out lowers R² from {} to between {:.5f} and '
            || '{:.5f}; {} prints {}.',
            place, column_no, t_text, term, full_r2_text, implied_low, implied_high, smaller_place, smaller_text
        ) as sentence
    from gain_intervals

),

final as (

    select * from r2_monotonicity
    union all
    select * from r2_gain_by_chance
    union all
    select * from r2_gain_against_t

)

select * from final
