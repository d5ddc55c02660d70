with mediation as (

    select * from {{ ref('aud_mediation_paths') }}

),

sobel as (

    select * from {{ ref('published_sobel_tests') }}

),

sobel_intervals as (

    select
        mediation.*,
        sobel.sobel_z as z_text,
        abs(sobel.sobel_z::double) - {{ half('sobel.sobel_z') }} as z_low,
        abs(sobel.sobel_z::double) + {{ half('sobel.sobel_z') }} as z_high,
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
        'sobel_bound' as rule,
        table_no,
        panel,
        column_no,
        mediator || '/' || treatment as subject,
        format('Z {}; t {} and {}', z_text, t_a_text, t_b_text) as published,
        format('at most {:.3f}', bound) as implied,
        if(z_low <= bound + {{ edge() }}, 'consistent', 'inconsistent') as verdict,
        if(
            z_low <= bound + {{ edge() }},
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
        'sobel_formula' as rule,
        table_no,
        panel,
        column_no,
        mediator || '/' || treatment as subject,
        format('Z {}; t {} and {}', z_text, t_a_text, t_b_text) as published,
        {{ range_text(3, 'formula_low', 'formula_high') }} as implied,
        if(
            z_low <= formula_high + {{ edge() }} and formula_low <= z_high + {{ edge() }}, 'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{}, {} through {}: the two published t values give a Sobel Z between {:.3f} and {:.3f}; {} is reported.',
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
        'total_effect' as rule,
        table_no,
        panel,
        column_no,
        mediator || '/' || treatment as subject,
        format('total {}; direct {}, a {}, b {}', total_text, direct_text, a_text, b_text) as published,
        {{ range_text(5, 'implied_low', 'implied_high') }} as implied,
        if(
            total_low <= implied_high + {{ edge() }} and implied_low <= total_high + {{ edge() }},
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
        'mediator_t_values' as rule,
        table_no,
        panel,
        full_column_no as column_no,
        treatment || '/' || term as subject,
        't ' || t_text as published,
        {{ range_text(3, 'implied_low', 'implied_high') }} as implied,
        if(
            t_low <= implied_high + {{ edge() }} and implied_low <= t_high + {{ edge() }}, 'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{} column {}: the t values of the three regressions with one of the two alone imply {:.3f} to '
            || '{:.3f} for {} beside the other; {} is published.',
            place, full_column_no, implied_low, implied_high, term, t_text
        ) as sentence
    from joint_t_values

),

final as (

    select * from sobel_bound
    union all
    select * from sobel_formula
    union all
    select * from total_effect
    union all
    select * from mediator_t_values

)

select * from final
