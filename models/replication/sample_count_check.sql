{%- set policies = study_rows('stg_policies', 'policy_id') | selectattr('role', 'equalto', 'study') | list -%}
{%- set counts = study_rows('published_sample_counts', 'rowid', 'seeds') -%}
{%- set explained = study_rows('count_explanations', 'rowid', 'seeds') -%}
{%- set of_input = explained | selectattr('basis', 'equalto', 'input') | map(attribute='count') | list -%}
with cities as (

    select * from {{ ref('dim_city') }}

),

panel as (

    select * from {{ ref('fct_study_panel') }}

),

city_policy as (

    select * from {{ ref('fct_city_policy') }}

),

paper_sample as (

    select * from {{ ref('paper_sample') }}

),

published as (

    select * from {{ ref('published_sample_counts') }}

),

explanations as (

    select * from {{ ref('count_explanations') }}

),

paper_years as (

    select unnest(generate_series(
        {{ setting('study_first_year') }}::integer, {{ setting('study_last_year') }}::integer
    )) as year

),

policy_years as (

    select
        city_policy.*,
        paper_years.year,
        coalesce(paper_years.year >= city_policy.first_treated_year, false) as is_treated
    from city_policy
    cross join paper_years

),

treatments as (

    select
        {{ treatment_columns(policies) }}
        adcode,
        year
    from policy_years
    group by adcode, year

),

-- What the public lists alone give: the reconstructed sample of the paper over its years.
list_city_years as (

    select
        cities.*,
        treatments.* exclude (adcode)
    from cities
    inner join treatments on cities.adcode = treatments.adcode
    inner join paper_sample on cities.adcode = paper_sample.adcode
    where paper_sample.in_paper_sample

),

-- What the sample of this build gives.
build_city_years as (

    select *
    from panel
    where sample_full

),

-- Every count is an expression of the seed; what the input alone determines has no count from the lists.
{% for basis in ['list', 'build'] %}
{{ basis }}_counts as (

    unpivot (
        select
            {% for row in counts if basis == 'build' or row['count'] not in of_input -%}
            {{ row.expression }} as {{ row['count'] }},
            {% endfor -%}
            count(*) as city_years_of_{{ basis }}
        from {{ basis }}_city_years
    )
    on columns(*)
    into name count value value

),

{% endfor %}
final as (

    select
        published.count,
        explanations.basis,
        published.value::integer as published_value,
        list_counts.value as value_from_lists,
        build_counts.value as value_in_this_build,
        list_counts.value - published.value::integer as difference_of_lists,
        case
            when explanations.basis = 'input' then 'not determined by the lists'
            when list_counts.value = published.value::integer then 'equal'
            else 'different'
        end as verdict,
        explanations.explanation,
        published.source as published_source
    from published
    left join explanations on published.count = explanations.count
    left join list_counts on published.count = list_counts.count
    left join build_counts on published.count = build_counts.count
    order by published.source, published.count

)

select * from final
