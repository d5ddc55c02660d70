with coefficients as (

    select * from {{ ref('aud_printed_coefficients') }}

),

counts as (

    select * from {{ ref('aud_printed_counts') }}

),

group_pairs as (

    select * from {{ ref('aud_group_pairs') }}

),

-- The coefficient of the policy itself.
regressions as (

    select *
    from coefficients
    where term = treatment

),

swapped_t_values as (

    select
        table_no,
        panel_key,
        treatment,
        unnest([larger_sample, smaller_sample]) as sample,
        unnest([smaller_t_low, larger_t_low]) as t_low,
        unnest([smaller_t_high, larger_t_high]) as t_high
    from group_pairs
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
        case regressions.treatment when 'bcs' then 1 when 'iic' then 2 when 'dual' then 3 else 4 end as treatment_order,
        counts.cities,
        counts.years_2011_2021 - if(regressions.panel_key = 'B_lagged_treatment', 1, 0) as n_years,
        counts.n_controls + 1 + coalesce(additional.n_terms, 0) as n_regressors
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
    cross join counts
    where
        regressions.r2_text is not null
        and counts.cities is not null
        and regressions.panel_key not in ('A_psm_did', 'D_high_dimensional_fe')
        and (regressions.table_no in ('3', '5', '10') or regressions.outcome != 'nqp')

),

-- The number of cities is known where the groups are fixed; elsewhere every possible number is tried.
base_degrees as (

    select
        common_base.*,
        n_cities,
        n_obs - n_cities - (n_years - 1) - n_regressors as df
    from common_base
    cross join unnest(generate_series(
        ceil(n_obs / n_years)::bigint,
        greatest(ceil(n_obs / n_years)::bigint, if(panel_key in {{ changing_groups() }}, cities, 0))
    )) as numbers (n_cities)

),

base_intervals as (

    select
        *,
        1 - (1 - r2_low) * (1 + t_abs_high ** 2 / df) as base_low,
        1 - (1 - r2_high) * (1 + t_abs_low ** 2 / df) as base_high,
        1 - (1 - r2_low) * (1 + other_t_high ** 2 / df) as other_base_low,
        1 - (1 - r2_high) * (1 + other_t_low ** 2 / df) as other_base_high
    from base_degrees

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
        min(gap) <= {{ edge() }} as fits,
        min(swapped_gap) <= {{ edge() }} as fits_swapped,
        any_value(base_low) filter (n_cities = shown_cities) as base_low,
        any_value(base_high) filter (n_cities = shown_cities) as base_high,
        any_value(other_base_low) filter (n_cities = shown_cities) as other_base_low,
        any_value(other_base_high) filter (n_cities = shown_cities) as other_base_high,
        string_agg(
            {{ range_text(5, 'two_low', 'two_high') }} || ' (' || other_treatment
            || if(two_swapped, ', t values swapped', '') || ')',
            ' and ' order by two_order
        ) filter (n_cities = shown_cities) as others,
        string_agg(distinct other_treatment, ' and ' order by other_treatment) filter (least_gap <= {{ edge() }})
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
            and base_pairs.swapped_gap <= {{ edge() }}

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

final as (

    select
        'r2_without_policy' as rule,
        table_no,
        panel,
        column_no,
        outcome || '/' || treatment || '/' || sample as subject,
        format('R² {} (t {}, N {})', r2_text, t_text, n_obs) as printed,
        format('without the policy {}; {}', {{ range_text(5, 'base_low', 'base_high') }}, others) as implied,
        case finding
            when 'fits' then 'consistent'
            when 'no_two_agree' then 'cannot be decided'
            else 'inconsistent'
        end as verdict,
        format(
            '{} column {}: R² and t value of {} lead back to an R² of {} without the policy, ',
            place, column_no, treatment, {{ range_text(5, 'base_low', 'base_high') }}
        )
        || case finding
            when 'fits' then format('as those of {} do on the same sample.', agreeing)
            when 'fits_swapped'
                then format(
                    'but the same sample must give one value and the others give {}; with the t values of '
                    || 'the two groups swapped it would be {} and agree.',
                    others, {{ range_text(5, 'other_base_low', 'other_base_high') }}
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
                            {{ range_text(5, 'other_base_low', 'other_base_high') }}
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

)

select * from final
