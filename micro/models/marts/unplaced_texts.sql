-- How the places of rows without a city begin, the most frequent first: what a list of names would have to know.
with firms as (

    select
        'firms' as extract,
        adcode as answer,
        unplaced_text as place_text
    from {{ ref('int_firms') }}
    where status in ('ambiguous', 'unknown')

),

patents as (

    select
        'patents' as extract,
        place as answer,
        place_text
    from {{ ref('int_patent_places') }}
    where place in ('ambiguous', 'unknown')

),

unioned as (

    select * from firms
    union all
    select * from patents

),

counted as (

    select
        extract,
        answer,
        coalesce(place_text, '') as place_text,
        count(*) as n_rows
    from unioned
    group by extract, answer, coalesce(place_text, '')

),

ranked as (

    select
        *,
        row_number() over (partition by extract order by n_rows desc, place_text, answer) as position
    from counted

),

final as (

    select
        extract,
        position,
        answer,
        place_text,
        n_rows
    from ranked
    where position <= 200

)

select * from final
