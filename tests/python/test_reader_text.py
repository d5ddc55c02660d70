"""Labels, titles, scopes and units, taken apart; normalising is idempotent."""

import pytest
from city_policy.reader.text import Label, parse_label, parse_title, scope_of, squeeze, strip_blank, unit_of_line
from hypothesis import given, settings
from hypothesis import strategies as st

UNITS = frozenset({"万元", "元", "%", "件", "指数"})
LABELS = frozenset({"固定资产投资(不含农户)", "地区生产总值(当年价格)"})


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        (
            "地区生产总值(当年价格)(万元)Gross Regional Product(Current Prices)(100 million yuan)",
            Label("地区生产总值(当年价格)", "万元", "100millionyuan", ""),
        ),
        (
            "固定资产投资（不含农户）Investment (Excluding Rural Households)",
            Label("固定资产投资(不含农户)", "", "ExcludingRuralHouseholds", ""),
        ),
        ("第三产业占GRP的比重Tertiary Industry as Percentage to GRP", Label("第三产业占GRP的比重", "", "", "")),
        ("R&D内部经费支出(万元)R&D Internal Outlay(10000 yuan)", Label("R&D内部经费支出", "万元", "10000yuan", "")),
        ("PM2.5年平均浓度(微克/立方米)", Label("PM2.5年平均浓度", "微克/立方米", "", "")),
        ("⑷建筑业Construction", Label("建筑业", "", "", "")),
        ("(4)信息传输、计算机服务和软件业", Label("信息传输、计算机服务和软件业", "", "", "")),
        (
            "工业烟(粉)尘排放量(吨)Volume of Industrial Soot(dust)Emission(ton)",
            Label("工业烟(粉)尘排放量", "吨", "ton", ""),
        ),
        (
            "货物进口额(万美元)Import Volume (USD10000)\n全市Total City",
            Label("货物进口额", "万美元", "USD10000", "city"),
        ),
        ("年末总人口(万人)_市辖区", Label("年末总人口", "万人", "", "districts")),
        ("全市-年末总人口(万人)", Label("年末总人口", "万人", "", "city")),
        ("全市\nTotal City", Label("", "", "", "city")),
        ("市辖区 Districts under City", Label("", "", "", "districts")),
        ("Tota1 City", Label("", "", "", "city")),
        ("全辖市TotalCity", Label("", "", "", "city")),
        ("Distrcts under Citv", Label("", "", "", "districts")),
        ("(万元)", Label("", "万元", "", "")),
        ("%", Label("", "%", "", "")),
        ("公共图书馆图书总藏量(千册、件)", Label("公共图书馆图书总藏量", "千册、件", "", "")),
        ("医生数(执业医师+执业助理医师)(人)", Label("医生数(执业医师+执业助理医师)", "人", "", "")),
        ("年末总人口_x000D_\n(万人)", Label("年末总人口", "万人", "", "")),
        ("固定资产合计‘Total Fixed Assets", Label("固定资产合计", "", "", "")),
    ],
)
def test_labels(cell, label):
    assert parse_label(cell, UNITS, LABELS) == label


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("2-10 按行业分组的单位从业人员（六）", ("按行业分组的单位从业人员", "")),
        ("2-16地方财政一般预算内收支状况(市辖区)", ("地方财政一般预算内收支状况", "districts")),
        ("2-25邮政局(所)数及邮政、电信业务收入(全市)", ("邮政局(所)数及邮政、电信业务收入", "city")),
        ("2-10续表1 continued1", ("", "")),
        ("232续表3 continued3", ("", "")),
        ("2-1 人口状况（续）", ("人口状况", "")),
        ("表2—1 人口状况 Population", ("人口状况", "")),
        ("3-1-2 在校学生数(一)(二)", ("在校学生数", "")),
    ],
)
def test_titles(line, title):
    assert parse_title(squeeze(line)) == title


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("单位：万元", "万元"),
        ("单位:(%)", "%"),
        ("（单位：人）", "人"),
        ("单位：％", "%"),
        ("计量单位:吨", "吨"),
        ("单位：人、%", ""),
        ("单位从业人员", None),
        ("(10000 yuan)", None),
        ("单位：万元 Unit: 10000 yuan", "万元"),
    ],
)
def test_unit_lines(line, unit):
    assert unit_of_line(squeeze(line)) == unit


TOKENS = [
    *"全市辖区年末总人口万元续表一()（）：: \u3000\u200b\ufeff\r\nＡ１⑷ﬁ2-1|%巿",
    "_x000D_",
    "单位",
    "Total City",
    "续表1",
]
texts = st.lists(st.sampled_from(TOKENS), max_size=20).map("".join)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_squeezing_is_idempotent_and_leaves_no_blank(text):
    once = squeeze(text)
    assert squeeze(once) == once
    assert not any(character.isspace() for character in once)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_stripping_is_idempotent_and_keeps_the_inside(text):
    once = strip_blank(text)
    assert strip_blank(once) == once
    assert once in text


@settings(max_examples=300, deadline=None)
@given(texts)
def test_titles_are_idempotent(text):
    title, _ = parse_title(squeeze(text))
    assert parse_title(title)[0] == title


@given(st.text("年末总人口地生产值", min_size=1))
def test_a_label_is_no_scope(text):
    assert scope_of(text) == ""
