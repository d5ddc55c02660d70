{%- do ref('int_settings') -%}
{%- set samples = study_rows('stg_samples') -%}
{%- set policies = study_rows('stg_policies') | selectattr('role', 'equalto', 'study') | list -%}
{%- set treatments = policies | map(attribute='policy_id') | list -%}
-- Two samples of which one has the condition of the other with 'not' before it split the sample: no city-year in both,
-- none in neither but where the condition cannot be told (growth targets and population may be missing in an input that
-- does not cover them). A derived policy treats where all its components do.
with city_years as (

    select * from {{ ref('fct_study_panel') }}

)

select
    adcode,
    year
from city_years
where
    false
    {% for one in samples -%}
    {% for other in samples if other.condition == 'not ' ~ one.condition -%}
    or {{ one.sample }}::integer + {{ other.sample }}::integer
    != (in_sample and ({{ study_expression(one.condition) }}) is not null)::integer
    {% endfor -%}
    {% endfor -%}
    {% for policy in policies if policy.kind == 'derived' -%}
    {% set components = policy.components.split() -%}
    {% if components | reject('in', treatments) | list == [] -%}
    or ({{ policy.policy_id }} = 1) != ({{ components | join(' = 1 and ') }} = 1)
    {% endif -%}
    {% endfor %}
