with weights as (

    select * from {{ ref('published_index_weights') }}

),

-- Table 1: weights of the index
dimension_weights as (

    select
        dimension,
        count(*) as n_indicators,
        sum(weight::double) as weight,
        sum({{ half('weight') }}) as slack,
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

final as (

    select
        'index_weights' as rule,
        '1' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'sum' as subject,
        format('{:.4f} ({})', weight, dimensions) as published,
        format('1 within {:.4f}', slack) as implied,
        if(abs(weight - 1) <= slack + {{ edge() }}, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 1: the {} weights sum to {:.4f}; rounding explains {:.4f} at most.', n_indicators, weight, slack
        ) as sentence
    from weight_sums
    where n_indicators > 0

    union all

    select
        'index_weights' as rule,
        '1' as table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'range' as subject,
        format('{:.4f} to {:.4f}', smallest, largest) as published,
        'between 0 and 1' as implied,
        if(n_outside = 0, 'consistent', 'inconsistent') as verdict,
        format('Table 1: {} of {} weights lie outside 0 to 1.', n_outside, n_indicators) as sentence
    from weight_sums
    where n_indicators > 0

)

select * from final
