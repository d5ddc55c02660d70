with coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

stars_possible as (

    select
        *,
        {% for stars in [1, 2, 3] -%}
        if(t_abs_low >= {{ critical_value(stars) }}, 1, 0) {{ '+' if not loop.last else 'as fewest,' }}
        {% endfor -%}
        {% for stars in [1, 2, 3] -%}
        if(t_abs_high + {{ edge() }} >= {{ critical_value(stars) }}, 1, 0) {{ '+' if not loop.last else 'as most' }}
        {% endfor -%}
    from coefficients
    where t_text is not null

),

stars_against_t as (

    select
        'stars_against_t' as rule,
        table_no,
        panel,
        column_no,
        treatment || '/' || term as subject,
        estimate_text || stars || ' (t ' || t_text || ')' as published,
        if(most = 0, 'no star', repeat('*', most::integer))
        || if(fewest < most, ' or one fewer', '') as implied,
        if(length(stars) between fewest and most, 'consistent', 'inconsistent') as verdict,
        format(
            '{} column {}: a t value of {} {} the published {}.',
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
        'sign_against_t' as rule,
        table_no,
        null::varchar as panel,
        null::varchar as column_no,
        'all coefficients' as subject,
        n_coefficients || ' coefficients with t values' as published,
        n_opposite || ' with opposite signs' as implied,
        if(n_opposite = 0, 'consistent', 'inconsistent') as verdict,
        if(
            n_opposite = 0,
            format('Table {}: every coefficient has the sign of its t value.', table_no),
            format('Table {}: coefficient and t value have opposite signs for {}.', table_no, opposite)
        ) as sentence
    from signs

),

final as (

    select * from stars_against_t
    union all
    select * from sign_against_t

)

select * from final
