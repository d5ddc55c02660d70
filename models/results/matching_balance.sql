with balance as (

    select * from {{ ref('est_matching_balance') }}

),

variables as (

    select * from {{ ref('stg_variables') }}

),

final as (

    select
        balance.spec_id,
        balance.treatment,
        coalesce(variables.variable, balance.variable) as variable,
        balance.stage,
        balance.mean_treated,
        balance.mean_control,
        balance.standardised_bias_percent,
        -- The paper calls a match satisfactory when every bias is below 10 percent.
        abs(balance.standardised_bias_percent) < 10 as is_balanced,
        balance.t_stat,
        balance.p_value,
        balance.variance_ratio,
        balance.n_treated,
        balance.n_control,
        balance.status,
        balance.message
    from balance
    left join variables on balance.variable = variables.column_name
    order by balance.spec_id, balance.stage, balance.variable

)

select * from final
