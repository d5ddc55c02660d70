with sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

capital_stock as (

    select * from {{ ref('int_capital_stock') }}

),

indicator_coverage as (

    select * from {{ ref('int_indicator_coverage') }}

),

final as (

    select
        capital_stock.adcode,
        capital_stock.year,
        output.value as real_gdp_cny_10k,
        capital_stock.capital_stock_cny_10k,
        labour.value as employees_persons
    from capital_stock
    inner join sample_membership on capital_stock.adcode = sample_membership.adcode
    inner join measures as output
        on
            capital_stock.adcode = output.adcode
            and capital_stock.year = output.year
            and output.measure = 'real_gdp'
    inner join measures as labour
        on
            capital_stock.adcode = labour.adcode
            and capital_stock.year = labour.year
            and labour.measure = 'employees'
    where
        sample_membership.in_sample
        and exists (
            select 1 from indicator_coverage
            where indicator_coverage.computed_by = 'frontier' and indicator_coverage.is_covered
        )
    order by capital_stock.adcode, capital_stock.year

)

select * from final
