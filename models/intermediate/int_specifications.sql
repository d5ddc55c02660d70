with specifications as (

    select * from {{ ref('specifications') }}

),

policies as (

    select * from {{ ref('stg_policies') }}

),

-- A row for each policy of the study, so that a new policy is in every result without a new specification.
per_policy as (

    select
        specifications.specification || '_' || policies.policy_id as spec_id,
        policies.policy_id as treatment,
        specifications.* exclude (treatment)
    from specifications
    cross join policies
    where specifications.treatment = 'each' and policies.role = 'study'

),

for_one_policy as (

    select
        specification as spec_id,
        treatment,
        specifications.* exclude (treatment)
    from specifications
    where treatment != 'each'

),

unioned as (

    select * from per_policy
    union all
    select * from for_one_policy

),

final as (

    select
        spec_id,
        specification,
        result,
        paper_table,
        panel,
        -- The column of the printed table comes from the published numbers, beside which the results stand.
        null::integer as column_no,
        estimator,
        outcome,
        treatment,
        lag,
        sample,
        comparison_sample,
        extra_controls,
        extra_fixed_effects,
        mediator,
        variant,
        cluster,
        description,
        -- What two estimators must share for their estimates to stand beside each other.
        concat_ws(
            ' | ', outcome, treatment, 'lag ' || lag, sample, 'with ' || extra_controls, 'within ' || extra_fixed_effects,
            'by ' || cluster,
            -- A policy that enters otherwise makes another regression; the variants of other estimators do not.
            case when estimator = 'fixed_effects' then 'as ' || variant end
        ) as regression
    from unioned
    order by spec_id

)

select * from final
