with bacon as (

    select * from {{ ref('published_bacon_decomposition') }}

),

-- A table all of whose numbers end in 0 is rounded to fewer decimals than it prints.
bacon_decimals as (

    select
        max(greatest(length(split_part(coalesce(weight, ''), '.', 2)), length(split_part(estimate, '.', 2))))
            as published_decimals,
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
        0.5 * pow(10.0, -bacon_decimals.published_decimals) as published_half_unit
    from bacon
    cross join bacon_decimals

),

{% for precision, unit in [('real', 'half_unit'), ('published', 'published_half_unit')] -%}
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
        max(estimate) filter (weight is null) as published_total,
        max(estimate_text) filter (weight is null) as published_total_text,
        max({{ unit }}) as half_unit,
        string_agg(weight_text, ' + ' order by comparison) as weights_text,
        abs(sum(weight) - 1) <= count(weight) * max({{ unit }}) + {{ edge() }} as weights_fit,
        sum(least(
            (weight - {{ unit }}) * (estimate - {{ unit }}), (weight + {{ unit }}) * (estimate - {{ unit }}),
            (weight - {{ unit }}) * (estimate + {{ unit }}), (weight + {{ unit }}) * (estimate + {{ unit }})
        )) <= max(estimate) filter (weight is null) + max({{ unit }}) + {{ edge() }}
        and sum(greatest(
            (weight - {{ unit }}) * (estimate - {{ unit }}), (weight + {{ unit }}) * (estimate - {{ unit }}),
            (weight - {{ unit }}) * (estimate + {{ unit }}), (weight + {{ unit }}) * (estimate + {{ unit }})
        )) >= max(estimate) filter (weight is null) - max({{ unit }}) - {{ edge() }} as total_fits
    from bacon_parts
    group by treatment

),

{% endfor -%}
bacon_weights as (

    select
        'bacon_weights' as rule,
        '6' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        treatment as subject,
        weights_text as published,
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
        'bacon_total' as rule,
        '6' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        treatment as subject,
        'total ' || published_total_text as published,
        format('{:.5f} ({})', total, {{ range_text(5, 'total_low', 'total_high') }}) as implied,
        if(total_fits, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 6, {}: weights times estimates sum to between {:.5f} and {:.5f} when rounded to {} '
            || 'decimals; the published total is {}.',
            treatment, total_low, total_high, bacon_decimals.real_decimals, published_total_text
        ) as sentence
    from bacon_sums_real
    cross join bacon_decimals
    where published_total is not null

),

bacon_failures as (

    select count(*) filter (not weights_fit) + count(*) filter (not total_fits) as n_failures
    from bacon_sums_published

),

padded_decimals as (

    select
        'padded_decimals' as rule,
        '6' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'trailing zeros' as subject,
        n_numbers || ' numbers with ' || published_decimals || ' decimals' as published,
        real_decimals || ' decimals' as implied,
        if(real_decimals < published_decimals and n_failures > 0, 'suspicious', 'consistent') as verdict,
        if(
            real_decimals < published_decimals and n_failures > 0,
            format(
                'Table 6: all {} numbers end in 0, so they are rounded to {} decimals and padded to {}; '
                || 'taken at the published precision {} of the sums above would not come out.',
                n_numbers, real_decimals, published_decimals, n_failures
            ),
            format('Table 6: the {} numbers carry the precision they are published with.', n_numbers)
        ) as sentence
    from bacon_decimals
    cross join bacon_failures
    where n_numbers > 0

),

final as (

    select * from bacon_weights
    union all
    select * from bacon_total
    union all
    select * from padded_decimals

)

select * from final
