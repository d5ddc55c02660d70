{#- The counts that the rules use, each a column. -#}
{%- set counts_used = [
    'cities', 'eastern_cities', 'central_region_cities', 'western_cities', 'years_2011_2021', 'observations',
    'bcs_cities', 'iic_cities', 'dual_cities', 'bcs_city_years', 'iic_city_years', 'dual_city_years',
    'bcs_only_or_never_obs', 'iic_only_or_never_obs', 'pilot_city_obs', 'iic_city_obs', 'bcs_city_obs',
    'dual_bcs_first_cities', 'dual_iic_first_cities', 'dual_same_year_cities', 'single_and_bcs_first_obs',
    'single_and_iic_first_obs', 'never_and_bcs_first_obs', 'never_and_iic_first_obs', 'non_municipality_obs',
    'resource_city_obs', 'non_resource_city_obs', 'central_city_obs', 'peripheral_city_obs', 'large_city_obs',
    'small_medium_city_obs', 'soft_target_obs', 'hard_target_obs', 'raised_target_obs', 'not_raised_target_obs',
] -%}

with sample_counts as (

    select * from {{ ref('published_sample_counts') }}

),

coefficients as (

    select * from {{ ref('aud_published_coefficients') }}

),

counts as (

    select
        {% for name in counts_used -%}
        max(value) filter (count = '{{ name }}')::integer as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from sample_counts

),

-- Degrees of freedom need the number of controls too, which only Table 3 tells.
with_controls as (

    select
        counts.*,
        (
            select count(distinct term)
            from coefficients
            where table_no = '3' and term not in (treatment, 'constant')
        ) as n_controls
    from counts

),

final as (

    select
        *,
        observations - cities - (years_2011_2021 - 1) - n_controls - 1 as baseline_df
    from with_controls

)

select * from final
