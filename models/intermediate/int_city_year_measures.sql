{%- set needed = study_rows('int_needed_measures', 'measure', 'intermediate') -%}
with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

exchange_rates as (

    select * from {{ ref('exchange_rates') }}

),

agglomeration as (

    select * from {{ ref('int_agglomeration') }}

),

capital_stock as (

    select * from {{ ref('int_capital_stock') }}

),

needed_measures as (

    select * from {{ ref('int_needed_measures') }}

),

-- The columns are the rows of int_needed_measures: what the indicators and variables of the study are made of.
wide as (

    select
        {% for row in needed -%}
        max(value) filter (measure = '{{ row.measure }}') as {{ row.measure }},
        {% endfor -%}
        max(basis) filter (measure = 'population') as population_basis,
        max(value_status) filter (measure = 'population') as population_status,
        adcode,
        year
    from measures
    where measure in (select needed_measures.measure from needed_measures)
    group by adcode, year

),

final as (

    select
        frame.adcode,
        frame.year,
        wide.* exclude (adcode, year),
        exchange_rates.cny_per_usd,
        agglomeration.agglomeration,
        agglomeration.real_gdp_cny_10k,
        agglomeration.real_gdp_basis,
        capital_stock.capital_stock_cny_10k
    from frame
    left join wide
        on
            frame.adcode = wide.adcode
            and frame.year = wide.year
    left join exchange_rates on frame.year = exchange_rates.year
    left join agglomeration
        on
            frame.adcode = agglomeration.adcode
            and frame.year = agglomeration.year
    left join capital_stock
        on
            frame.adcode = capital_stock.adcode
            and frame.year = capital_stock.year
    order by frame.adcode, frame.year

)

select * from final
