-- Every printed coefficient, weight, statistic and count stands in the scorecard exactly once.
with scorecard as (

    select * from {{ ref('replication_scorecard') }}

),

expected as (

    select 'coefficient' as kind, count(*) as n from {{ ref('published_estimates') }}
    union all
    select 'index weight' as kind, count(*) as n from {{ ref('published_index_weights') }}
    union all
    select 'observations' as kind, count(*) as n from {{ ref('published_summary_statistics') }}
    union all
    select 'summary statistic' as kind, 4 * count(*) as n from {{ ref('published_summary_statistics') }}
    union all
    select 'instrument diagnostic' as kind, 2 * count(*) as n from {{ ref('published_iv_diagnostics') }}
    union all
    select 'Bacon weight' as kind, count(weight) as n from {{ ref('published_bacon_decomposition') }}
    union all
    select 'Bacon estimate' as kind, count(estimate) as n from {{ ref('published_bacon_decomposition') }}
    union all
    select 'Sobel Z' as kind, count(*) as n from {{ ref('published_sobel_tests') }}
    union all
    select 'sample count' as kind, count(*) as n from {{ ref('published_sample_counts') }}

),

found as (

    select
        kind,
        count(*) as n
    from scorecard
    group by kind

)

select
    expected.kind,
    expected.n as n_expected,
    found.n as n_found
from expected
left join found on expected.kind = found.kind
where expected.n is distinct from found.n
