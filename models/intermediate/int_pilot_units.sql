with policies as (

    select * from {{ ref('stg_policies') }}

),

listed_units as (

    select * from {{ ref('stg_pilot_units') }}

),

study_units as (

    select * from {{ ref('stg_study_units') }}

),

-- A policy takes its units from the list that it names, or from the study's own file.
of_lists as (

    select
        policies.policy_id,
        listed_units.listed_name as unit,
        listed_units.adcode,
        listed_units.start_year,
        listed_units.batch,
        listed_units.confidence,
        listed_units.source
    from policies
    inner join listed_units on policies.list_id = listed_units.list_id
    where policies.kind = 'listed' and listed_units.is_included

),

of_the_study as (

    select
        study_units.policy_id,
        study_units.unit,
        study_units.adcode,
        study_units.start_year,
        study_units.batch,
        study_units.confidence,
        study_units.source
    from policies
    inner join study_units on policies.policy_id = study_units.policy_id
    where policies.kind != 'derived' and policies.list_id is null

),

unioned as (

    select * from of_lists
    union all
    select * from of_the_study

),

final as (

    select * from unioned
    order by policy_id, adcode, start_year, unit

)

select * from final
