with base_intervals as (

    select * from {{ ref('aud_r2_bases') }}

),

common_base as (

    select distinct on (table_no, panel_key, column_no, outcome, treatment, sample, n_obs)
        * exclude (n_cities, df, base_low, base_high, other_base_low, other_base_high)
    from base_intervals
    order by table_no, panel_key, column_no, outcome, treatment, sample, n_obs, n_cities

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
        format('R² {} (t {}, N {})', r2_text, t_text, n_obs) as published,
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
                    || 'or sample cannot be as published.',
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
