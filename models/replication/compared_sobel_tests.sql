with published as (

    select * from {{ ref('published_sobel_tests') }}

),

mediation_effects as (

    select * from {{ ref('mediation_effects') }}

),

specifications as (

    select * from {{ ref('int_specifications') }}

),

-- The paper assumes independent errors.
ours as (

    select
        specifications.paper_table,
        mediation_effects.*
    from mediation_effects
    inner join specifications on mediation_effects.spec_id = specifications.spec_id
    where mediation_effects.vcov = 'iid'

),

-- Agreement is the same verdict at 5 percent.
final as (

    select
        'Sobel Z' as kind,
        published.table_no,
        published.mediator as panel,
        published.treatment as subject,
        published.sobel_z::double as published_value,
        ours.sobel_z as our_value,
        (abs(our_value) > 1.96) = (abs(published_value) > 1.96) as agrees
    from published
    left join ours
        on
            published.table_no = ours.paper_table
            and published.mediator = ours.mediator
            and published.treatment = ours.treatment
    order by published.mediator, published.treatment

)

select * from final
