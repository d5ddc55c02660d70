with coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

moments as (

    select * from {{ ref('aud_published_moments') }}

),

-- The published constant is the mean of the outcome less the means of the regressors times their coefficients.
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

final as (

    select
        'constant_through_means' as rule,
        table_no,
        panel,
        column_no,
        treatment || '/constant' as subject,
        estimate_text as published,
        {{ range_text(4, 'implied_low', 'implied_high') }} as implied,
        if(
            estimate_low <= implied_high + {{ edge() }} and implied_low <= estimate_high + {{ edge() }},
            'consistent', 'inconsistent'
        ) as verdict,
        format(
            '{} column {}: the means of Table 2 and the coefficients imply a constant between {:.4f} and '
            || '{:.4f}; {} is published.',
            place, column_no, implied_low, implied_high, estimate_text
        ) as sentence
    from constant_intervals

)

select * from final
