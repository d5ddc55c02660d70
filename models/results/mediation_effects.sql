with effects as (

    select * from {{ ref('est_mediation_effects') }}

),

final as (

    select
        effects.spec_id,
        effects.mediator,
        effects.treatment,
        effects.outcome,
        effects.sample,
        effects.vcov,
        effects.a as effect_on_mediator,
        effects.se_a as effect_on_mediator_std_error,
        effects.b as effect_of_mediator,
        effects.se_b as effect_of_mediator_std_error,
        effects.cov_ab as effects_covariance,
        effects.total as total_effect,
        effects.direct as direct_effect,
        effects.indirect as indirect_effect,
        effects.share_mediated,
        effects.sobel_z,
        effects.sobel_p as sobel_p_value,
        effects.aroian_z,
        effects.aroian_p as aroian_p_value,
        effects.goodman_z,
        effects.goodman_p as goodman_p_value,
        effects.bootstrap_low,
        effects.bootstrap_high,
        effects.bootstrap_draws,
        effects.identity_gap,
        effects.n_obs,
        effects.n_cities,
        effects.status,
        effects.message
    from effects
    order by effects.spec_id, effects.vcov

)

select * from final
