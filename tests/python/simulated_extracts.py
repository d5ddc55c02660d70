"""Simulated extracts of firms and patents with a known truth: made by DuckDB from hashes, so any number of rows is the same
everywhere. No firm and no patent here exists.

Every row has a part: most are firms with an address in a city, some are older copies of the row before, some have an address
that may be several places or none. The truth is what the parts say, not what an address reads like.
"""

import duckdb
from conftest import PROJECT

MAPPING = """extract,field,value
settings,first_year,2011
settings,last_year,2021
firms,credit_code,统一社会信用代码
firms,founded,成立日期
firms,closed,注销日期
firms,industry,行业代码
firms,address,企业地址
firms,recorded,更新日期
patents,application_number,申请号
patents,application_date,申请日
patents,grant_date,授权公告日
patents,type,专利类型
patents,invention,发明授权
patents,utility_model,实用新型
patents,design,外观设计
patents,classes,IPC分类号
patents,addresses,申请人地址
patents,recorded,更新日期
"""

# A row's place: an address as registers write it, its answer, and how often it comes (of 1,000).
FIRMS = """
with numbers as (
    select range as row, (hash(range + 1) >> 1)::bigint as h from range({first}, {last})
),
drawn as (
    select
        row,
        h,
        -- An older copy has the code of the row before and another city.
        case when h % 40 = 0 and row % 2 = 1 then 'duplicate' when h // 40 % 200 = 0 then 'no code' when h // 40 % 200 = 1 then 'no year'
            else 'firm' end as part,
        case when h // 8000 % 50 = 0 then 'ambiguous' when h // 8000 % 50 = 1 then 'unknown' else 'city' end as place,
        1995 + h // 400000 % 30 as founded,
        case when h // 12000000 % 4 = 0 then 1997 + h // 48000000 % 30 end as closed,
        h // 1440000000 % 5 as sector,
        cities.adcode,
        cities.name_zh,
        cities.province_zh,
        cities.is_prefecture_city_or_above = '1' as in_frame
    from numbers
    inner join cities on h // 7200000000 % (select count(*) from cities) = cities.position
),
written as (
    select
        *,
        h // 2426400000000 % 5 as form,
        case sector when 0 then '3911' when 1 then 'C2710' when 2 then '1310' when 3 then '39' else '6510' end as industry,
        -- Electronic computers and chemical drugs are in the list, flour and software are not; 39 is too coarse to tell.
        sector in (0, 1) as listed,
        'K' || lpad((case when part = 'duplicate' then row - 1 else row end)::varchar, 17, '0') as code,
        case place
            when 'ambiguous' then (['北京路12号', '朝阳区建国路8号', '鼓楼区中山北路1号', '江苏省鼓楼区湖南路5号'])[1 + row % 4]
            when 'unknown' then (['某某工业园3号', '广东省', '9号'])[1 + row % 3]
            else case form
                when 0 then (case when province_zh = name_zh then '' else province_zh end) || name_zh || '新华路' || row % 900 || '号'
                when 1 then name_zh || '开发区' || row % 900 || '号'
                when 2 then '　' || (case when province_zh = name_zh then '' else province_zh end) || ' ' || name_zh || '解放路' || row % 900
                when 3 then (case when province_zh = name_zh then '' else left(province_zh, case when left(province_zh, 2) in ('内蒙', '黑龙') then 3 else 2 end) end)
                    || name_zh || '人民路' || row % 900 || '号'
                else (case when province_zh = name_zh then '' else province_zh end) || name_zh
            end
        end as address
    from drawn
)
"""
PATENTS = """
with numbers as (
    select range as row, (hash(range + 77) >> 1)::bigint as h from range({first}, {last})
),
drawn as (
    select
        row,
        h,
        case when h % 30 = 0 and row % 2 = 1 then 'duplicate' when h // 40 % 300 = 0 then 'no number' else 'patent' end as part,
        case when h // 12000 % 40 = 0 then 'ambiguous' when h // 12000 % 40 = 1 then 'unknown' else 'city' end as place,
        2007 + h // 480000 % 16 as applied,
        case when h // 7680000 % 10 > 0 then 2008 + h // 480000 % 16 + h // 76800000 % 3 end as granted,
        h // 230400000 % 6 as topic,
        h // 1382400000 % 3 as type,
        cities.adcode,
        cities.name_zh,
        cities.province_zh,
        cities.is_prefecture_city_or_above = '1' as in_frame
    from numbers
    inner join cities on h // 4147200000 % (select count(*) from cities) = cities.position
),
written as (
    select
        *,
        -- Wind motors, and electric ranges in a list; a solar cell at the end of a range; a symbol after it; water; games; none.
        (['F03D 1/04', 'A47J 27/00；H01L31/078', 'H01L 31/0785', 'B60K 1/00;C02F1/461(2006.01)I', 'A63F 13/00', null])[1 + topic] as classes,
        topic in (0, 1, 3) as listed,
        (['发明授权', '实用新型', '外观设计'])[1 + type] as type_text,
        'CN' || (case when part = 'duplicate' then row - 1 else row end)::varchar as number,
        case place
            when 'ambiguous' then (['南京路100号', '朝阳区望京街1号', '西湖区文三路9号'])[1 + row % 3]
            when 'unknown' then (['科技园A座', 'Tokyo, Japan'])[1 + row % 2]
            else (case when province_zh = name_zh then '' else province_zh end) || name_zh || '学院路' || row % 900 || '号；广东省深圳市南山区'
        end as addresses
    from drawn
)
"""


def simulate(folder, n_firms=0, n_patents=0, rows_per_file=10_000_000):
    """Write ``folder/firms`` and ``folder/patents`` as Parquet, and ``folder/mapping.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mapping.csv").write_text(MAPPING, encoding="utf-8")
    with _connection() as connection:
        for name, n_rows, written, columns in (
            ("firms", n_firms, FIRMS, FIRM_COLUMNS),
            ("patents", n_patents, PATENTS, PATENT_COLUMNS),
        ):
            for number, first in enumerate(range(0, n_rows, rows_per_file)):
                (folder / name).mkdir(exist_ok=True)
                query = written.format(first=first, last=min(first + rows_per_file, n_rows))
                file = folder / name / f"{number:03}.parquet"
                connection.execute(f"copy ({query} select {columns} from written) to '{file}' (format parquet)")


FIRM_COLUMNS = """
    case when part != 'no code' then code end as 统一社会信用代码,
    '某某公司' as 企业名称,
    '张某某' as 法定代表人,
    address as 企业地址,
    case when part != 'no year' then founded || '年3月5日' end as 成立日期,
    closed || '/6/' || 1 + row % 28 as 注销日期,
    industry as 行业代码,
    case when part = 'duplicate' then '2020-01-01' else '2022-01-01' end as 更新日期
"""
PATENT_COLUMNS = """
    case when part != 'no number' then number end as 申请号,
    '李某某;王某某' as 发明人,
    type_text as 专利类型,
    applied || '-05-06' as 申请日,
    granted || '0708' as 授权公告日,
    classes as IPC分类号,
    addresses as 申请人地址,
    case when part = 'duplicate' then '2020-01-01' else '2022-01-01' end as 更新日期
"""


# What becomes of every row, and in which years it counts.
JUDGED_FIRMS = """, resolved as (
    -- A row before an older copy may itself have no code or year: then the copy is the only row of its code, or the one that counts.
    select
        *,
        row_number() over (
            partition by code, part = 'no code'
            order by (part = 'no year')::integer, (part = 'duplicate')::integer
        ) as position
    from written
),
judged as (
    select
        *,
        case
            when part = 'no code' then 'dropped: no credit code'
            when position > 1 then 'duplicate'
            when part = 'no year' then 'dropped: no year of foundation'
            when closed < founded then 'dropped: closed before it was founded'
            when founded > 2021 then 'dropped: founded after the last year'
            when closed < 2011 then 'dropped: closed before the first year'
            when place != 'city' then place
            when not in_frame then 'dropped: its city is not in the frame'
            else 'placed'
        end as status,
        range(greatest(founded, 2011), least(coalesce(closed, 2022), 2022)) as years
    from resolved
)"""
JUDGED_PATENTS = """, judged as (
    select
        *,
        case
            when part = 'no number' then 'dropped: no application number'
            when row_number() over (
                partition by number, part = 'no number' order by (granted is null)::integer, (part = 'duplicate')::integer
            ) > 1 then 'duplicate'
            when granted is null then 'dropped: no grant date'
            when granted < 2011 then 'dropped: before the first year'
            when granted > 2021 then 'dropped: after the last year'
            when place != 'city' then place
            when not in_frame then 'dropped: its city is not in the frame'
            else 'placed'
        end as status,
        [granted] as years
    from written
)"""


def truth(n_firms, n_patents):
    """What a count must find: (counts by (indicator, adcode, year) without zeros, rows by (extract, status))."""
    counts, balance = {}, {}
    with _connection() as connection:
        for extract, indicator, query, n_rows in (
            ("firms", "high_tech_firms", FIRMS + JUDGED_FIRMS, n_firms),
            ("patents", "green_patents", PATENTS + JUDGED_PATENTS, n_patents),
        ):
            rows = query.format(first=0, last=n_rows)
            judged = connection.execute(f"{rows} select status, count(*) from judged group by status").fetchall()
            balance |= {(extract, status): found for status, found in judged}
            by_year = connection.execute(
                f"""{rows}, by_year as (select adcode, unnest(years) as year from judged where status = 'placed' and listed)
                select adcode, year, count(*) from by_year group by adcode, year"""
            ).fetchall()
            counts |= {(indicator, adcode, year): value for adcode, year, value in by_year}
    return counts, balance


def _connection():
    connection = duckdb.connect()
    geography = PROJECT / "seeds" / "geography"
    # Cities that had their name before the first year and have it still.
    connection.execute(
        f"""create table cities as
        select row_number() over (order by adcode) - 1 as position, *
        from read_csv('{geography}/cities.csv', all_varchar = true)
        where name_zh in (
            select name from read_csv('{geography}/prefecture_names.csv', all_varchar = true)
            where form = 'official' and valid_from < '2008' and valid_to is null
        )"""
    )
    return connection
