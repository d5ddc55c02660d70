with comparison as (

    select * from {{ ref('coefficient_comparison') }}

),

claimed_orderings as (

    select * from {{ ref('claimed_orderings') }}

),

slips as (

    select * from {{ ref('published_slips') }}

),

slip_terms as (

    select distinct
        comparison.spec_id,
        comparison.term
    from comparison
    inner join slips
        on
            comparison.paper_table = slips.table_no
            and comparison.column_no = slips.column_no
            and coalesce(comparison.panel, '') = coalesce(slips.panel, comparison.panel, '')
    where comparison.is_published

),

one_estimate as (

    select
        spec_id,
        term,
        max(paper_table) as paper_table,
        max(estimate) as estimate
    from comparison
    group by spec_id, term

),

-- A claimed ordering is written as the difference larger less smaller, which the paper has positive.
final as (

    select
        'claimed ordering' as kind,
        larger.paper_table as table_no,
        null as panel,
        claimed_orderings.claim
        -- Claims in the same words are told apart by their names.
        || if(
            count(*) over (partition by claimed_orderings.claim) > 1, ' (' || claimed_orderings.ordering || ')', ''
        ) as subject,
        published_larger.published_estimate - published_smaller.published_estimate as published_value,
        larger.estimate - smaller.estimate as our_value,
        larger.estimate > smaller.estimate as agrees,
        larger_slip.spec_id is not null or smaller_slip.spec_id is not null as is_slip_of_the_paper
    from claimed_orderings
    left join one_estimate as larger
        on
            claimed_orderings.larger_spec_id = larger.spec_id
            and claimed_orderings.larger_term = larger.term
    left join one_estimate as smaller
        on
            claimed_orderings.smaller_spec_id = smaller.spec_id
            and claimed_orderings.smaller_term = smaller.term
    left join comparison as published_larger
        on
            claimed_orderings.larger_spec_id = published_larger.spec_id
            and claimed_orderings.larger_term = published_larger.term
            and published_larger.vcov = 'iid'
    left join comparison as published_smaller
        on
            claimed_orderings.smaller_spec_id = published_smaller.spec_id
            and claimed_orderings.smaller_term = published_smaller.term
            and published_smaller.vcov = 'iid'
    left join slip_terms as larger_slip
        on
            claimed_orderings.larger_spec_id = larger_slip.spec_id
            and claimed_orderings.larger_term = larger_slip.term
    left join slip_terms as smaller_slip
        on
            claimed_orderings.smaller_spec_id = smaller_slip.spec_id
            and claimed_orderings.smaller_term = smaller_slip.term

)

select * from final
