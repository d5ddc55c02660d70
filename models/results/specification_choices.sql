with curve as (

    select * from {{ ref('specification_curve') }}
    where estimate is not null

),

-- One row per regression and choice; a choice that a study does not have is none.
chosen as (

    {% for choice in ['index_weights', 'scaling', 'winsorised_percent', 'controls', 'sample', 'estimator'] -%}
    select
        spec_id,
        outcome,
        treatment,
        '{{ choice }}' as choice,
        cast({{ choice }} as varchar) as option,
        estimate,
        p_value
    from curve
    where {{ choice }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

totals as (

    select
        spec_id,
        avg(estimate) as mean,
        var_pop(estimate) as variance
    from curve
    group by spec_id

),

options as (

    select
        spec_id,
        outcome,
        treatment,
        choice,
        option,
        count(*) as n_regressions,
        avg(estimate) as mean_estimate,
        min(estimate) as lowest,
        max(estimate) as highest,
        avg(if(p_value < 0.05, 1.0, 0.0)) as significant_share
    from chosen
    group by spec_id, outcome, treatment, choice, option

),

-- How much of the spread of all effects lies between the options of a choice.
choices as (

    select
        options.spec_id,
        options.choice,
        sum(options.n_regressions * (options.mean_estimate - totals.mean) ** 2) / sum(options.n_regressions)
        / nullif(any_value(totals.variance), 0) as share_of_variance
    from options
    inner join totals on options.spec_id = totals.spec_id
    group by options.spec_id, options.choice

),

final as (

    select
        options.spec_id,
        options.outcome,
        options.treatment,
        options.choice,
        options.option,
        options.n_regressions,
        round(options.mean_estimate, 12) as mean_estimate,
        options.lowest,
        options.highest,
        options.significant_share,
        round(choices.share_of_variance, 12) as share_of_variance
    from options
    inner join choices on options.spec_id = choices.spec_id and options.choice = choices.choice
    order by options.spec_id, choices.share_of_variance desc, options.choice, options.option

)

select * from final
