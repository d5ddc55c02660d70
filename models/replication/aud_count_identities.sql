{#- Section 3.3 and Table 5 E: Beijing, Tianjin, Shanghai and Chongqing are in the sample. -#}
{%- set municipalities = 4 -%}

{#- Identities among the counts: table, panel, count, what it must equal as SQL, and the same in words. -#}
{%- set never = '(cities - bcs_cities - iic_cities + dual_cities)' -%}
{%- set single = '(bcs_cities + iic_cities - 2 * dual_cities)' -%}
{%- set count_identities = [
    ('2', none, 'observations', 'cities * years_2011_2021', 'cities times years'),
    (none, none, 'cities', 'eastern_cities + central_region_cities + western_cities',
        'eastern, central and western cities together'),
    (none, none, 'dual_cities', 'dual_bcs_first_cities + dual_iic_first_cities + dual_same_year_cities',
        'the three orders of the dual cities together'),
    ('7', 'A_single_pilot_net', 'bcs_only_or_never_obs', '(cities - iic_cities) * years_2011_2021',
        'all cities without the cluster cities, times years'),
    ('7', 'A_single_pilot_net', 'iic_only_or_never_obs', '(cities - bcs_cities) * years_2011_2021',
        'all cities without the Broadband China cities, times years'),
    ('7', 'B_dual_net', 'pilot_city_obs', '(bcs_cities + iic_cities - dual_cities) * years_2011_2021',
        'Broadband China and cluster cities, the dual ones counted once, times years'),
    ('7', 'C_dual_vs_iic', 'iic_city_obs', 'iic_cities * years_2011_2021', 'cluster cities times years'),
    ('7', 'C_dual_vs_bcs', 'bcs_city_obs', 'bcs_cities * years_2011_2021', 'Broadband China cities times years'),
    ('9', 'A_pilot_cities', 'single_and_bcs_first_obs',
        '(' ~ single ~ ' + dual_bcs_first_cities) * years_2011_2021',
        'single-pilot cities and dual cities that had broadband first, times years'),
    ('9', 'A_pilot_cities', 'single_and_iic_first_obs',
        '(' ~ single ~ ' + dual_iic_first_cities) * years_2011_2021',
        'single-pilot cities and dual cities that had the cluster first, times years'),
    ('9', 'B_never_and_dual', 'never_and_bcs_first_obs',
        '(' ~ never ~ ' + dual_bcs_first_cities) * years_2011_2021',
        'never-treated cities and dual cities that had broadband first, times years'),
    ('9', 'B_never_and_dual', 'never_and_iic_first_obs',
        '(' ~ never ~ ' + dual_iic_first_cities) * years_2011_2021',
        'never-treated cities and dual cities that had the cluster first, times years'),
    ('5', 'E_no_municipalities', 'non_municipality_obs',
        '(cities - ' ~ municipalities ~ ') * years_2011_2021',
        'all cities without the four municipalities, times years'),
] -%}

{#- The two groups of a panel, which together are the sample. -#}
{%- set group_pairs_of_panel = [
    ('A_resource', 'resource_city_obs', 'non_resource_city_obs'),
    ('B_centrality', 'central_city_obs', 'peripheral_city_obs'),
    ('C_size', 'large_city_obs', 'small_medium_city_obs'),
    ('D_target_constraint', 'soft_target_obs', 'hard_target_obs'),
    ('E_target_raised', 'raised_target_obs', 'not_raised_target_obs'),
] -%}

with counts as (

    select * from {{ ref('aud_published_counts') }}

),

count_identity_values as (

    {% for table_no, panel, count, expression, words in count_identities -%}
    select
        {{ "'" ~ table_no ~ "'" if table_no else 'null::varchar' }} as table_no,
        {{ "'" ~ panel ~ "'" if panel else 'null::varchar' }} as panel,
        '{{ count }}' as subject,
        {{ count }} as published_value,
        {{ expression }} as implied_value,
        '{{ words }}' as words
    from counts
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

count_identity as (

    select
        'count_identity' as rule,
        table_no,
        panel,
        null::varchar as column_no,
        subject,
        published_value::varchar as published,
        implied_value::varchar as implied,
        if(published_value = implied_value, 'consistent', 'inconsistent') as verdict,
        format(
            'The count {} is published as {:,}; {} make {:,}.', subject, published_value, words, implied_value
        ) as sentence
    from count_identity_values
    where published_value is not null and implied_value is not null

),

group_size_values as (

    {% for panel, one, two in group_pairs_of_panel -%}
    select
        '{{ panel }}' as panel,
        '{{ one }} and {{ two }}' as subject,
        {{ one }} as one,
        {{ two }} as two,
        observations
    from counts
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

group_sizes as (

    select
        'group_sizes' as rule,
        '10' as table_no,
        panel,
        null::varchar as column_no,
        subject,
        one || ' + ' || two as published,
        observations::varchar as implied,
        if(one + two = observations, 'consistent', 'inconsistent') as verdict,
        format(
            'Table 10 Panel {}: the two groups have {:,} and {:,} observations, {:,} together; the sample has {:,}.',
            left(panel, 1), one, two, one + two, observations
        ) as sentence
    from group_size_values
    where one is not null and two is not null and observations is not null

),

final as (

    select * from count_identity
    union all
    select * from group_sizes

)

select * from final
