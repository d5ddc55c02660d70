"""What stands below the coefficients of a table of regressions, and the notes that explain it."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain

from city_policy.report.cells import CLUSTERED, IID, Layout, Line
from city_policy.report.chosen import Chosen
from city_policy.report.database import Row
from city_policy.report.records import Record
from city_policy.report.study import Text, joined, same

# How the errors were computed; "{}": by what they are clustered.
METHODS = {
    CLUSTERED: Text("标准误按{}聚类(CRV1)", "errors clustered by {} (CRV1)"),
    "CRV3": Text("标准误按{}聚类(CRV3,即刀切法)", "errors clustered by {} (CRV3, the jackknife)"),
    IID: Text("标准误按独立同分布(iid)计算", "iid errors"),
    "conley": Text("标准误允许空间相关(Conley)", "errors robust to spatial correlation (Conley)"),
    "pairs_bootstrap": Text("由整座城市的 pairs bootstrap 得到", "from the pairs bootstrap over cities"),
    "wild_rademacher": Text(
        "由 wild cluster bootstrap(Rademacher 权重)得到", "from the wild cluster bootstrap (Rademacher's weights)"
    ),
    "wild_webb": Text("由 wild cluster bootstrap(Webb 权重)得到", "from the wild cluster bootstrap (Webb's weights)"),
    "randomisation": Text("由随机化检验得到", "from randomisation"),
}
# What stands below a coefficient, after the Chinese for "is".
STATISTICS = {
    "t": Text(" t 值", "t values"),
    "se": Text("标准误", "standard errors"),
    "p": Text(" P 值", "p values"),
    "ci": Text(" 95% 置信区间", "95% confidence intervals"),
}
# The event time that effects are measured from.
REFERENCE = -1
# The brackets of the first line below a coefficient, the second and the third.
BRACKETS = (("()", Text("圆括号", "parentheses")), ("[]", Text("方括号", "brackets")), ("{}", Text("花括号", "braces")))


def layout_of(chosen: Chosen) -> Layout:
    options = chosen.options
    decimals = {"t": 2, "se": options.decimals, "p": 4, "ci": options.decimals}
    lines = [
        Line(
            options.errors,
            Text(f"{STATISTICS[kind].zh.strip()}({options.errors})", f"{STATISTICS[kind].en} ({options.errors})"),
            kind,
            BRACKETS[place % len(BRACKETS)][0],
            decimals[kind],
        )
        for place, kind in enumerate(options.statistics)
    ]
    if options.published:
        lines.append(Line("", Text("论文", "Paper"), "published", ""))
    marks = tuple((limit, "*" * (place + 1)) for place, limit in enumerate(options.stars))
    return Layout(tuple(lines), options.errors, marks[::-1], tuple(_explanations(chosen)))


def _explanations(chosen: Chosen) -> list[Text]:
    """What brackets and stars mean."""
    said = []
    shown = [
        (BRACKETS[place % len(BRACKETS)][1] if kind != "ci" else BRACKETS[1][1], STATISTICS[kind])
        for place, kind in enumerate(chosen.options.statistics)
    ]
    if shown:
        zh = ",".join(f"{brackets.zh}内为{what.zh}" for brackets, what in shown)
        en = ", ".join(f"{what.en} in {brackets.en}" for brackets, what in shown)
        method = _variance(chosen, chosen.columns, chosen.options.errors)
        said.append(Text(f"{zh};{method.zh}。", f"{_capital(en)}; {method.en}."))
    if chosen.options.published:
        said.append(Text("其下为论文所报的数。", "Below them the numbers that the paper prints."))
    if limits := chosen.options.stars:
        marks = ["*" * (place + 1) for place in range(len(limits))]
        zh = "、".join(f"{100 * limit:g}%" for limit in limits)
        en = ", ".join(f"{mark} p < {limit:g}" for mark, limit in zip(marks, limits, strict=True))
        said.append(Text(f"{'、'.join(marks)} 分别表示在 {zh} 的水平上显著。", f"{en}."))
    return said


def _variance(chosen: Chosen, records: Sequence[Record], errors: str) -> Text:
    """How the errors of some columns were computed."""
    method = METHODS.get(errors, same(errors))
    names = dict.fromkeys(chosen.specification(record, "cluster") or "adcode" for record in records)
    places = [joined(map(chosen.place, name.split("^")), "×", "-by-") for name in names]
    return Text(
        method.zh.format("或".join(place.zh for place in places)),
        method.en.format(" or ".join(place.en.lower() for place in places)),
    )


def notes_below(chosen: Chosen) -> list[Text]:
    """Estimators, errors, sample, dropped terms, what is missing and why, and the notes of the person."""
    own = _pairs(chosen.options.notes_zh, chosen.options.notes_en)
    return [
        *_estimators(chosen),
        *_other_errors(chosen),
        *_samples(chosen),
        *_dropped(chosen),
        *_event_times(chosen),
        *_messages(chosen),
        *(Text(zh or en, en or zh) for zh, en in own),
    ]


def _columns_where(chosen: Chosen, value: Callable[[Record], object]) -> dict[object, list[int]]:
    """The numbers of the columns by what they have."""
    places: dict[object, list[int]] = {}
    for place, record in enumerate(chosen.columns, start=1):
        places.setdefault(value(record), []).append(place)
    return places


def _estimators(chosen: Chosen) -> list[Text]:
    found = _columns_where(chosen, chosen.estimator)
    if len(found) == 1:
        name = chosen.estimator(chosen.columns[0])
        return [Text(f"估计方法:{name.zh}。", f"Estimator: {name.en}.")]
    said = []
    for at in found.values():
        name, numbers = chosen.estimator(chosen.columns[at[0] - 1]), _numbers(at)
        said.append(Text(f"第{numbers.zh}列为{name.zh}", f"{name.en} in {numbers.en}"))
    listed = joined(said, ",", ", ")
    return [Text(f"估计方法:{listed.zh}。", f"Estimators: {listed.en}.")]


def _other_errors(chosen: Chosen) -> list[Text]:
    """The columns without the errors that were chosen."""
    said = []
    for errors, at in _columns_where(chosen, lambda record: chosen.errors(record) if record.variances else "").items():
        if errors and errors != chosen.options.errors:
            method, numbers = _variance(chosen, [chosen.columns[at[0] - 1]], str(errors)), _numbers(at)
            said.append(
                Text(
                    f"第{numbers.zh}列没有 {chosen.options.errors} 统计量;{method.zh}者未列。",
                    f"{_column(at)} {numbers.en} {_have(at)} no {chosen.options.errors} statistics; those with "
                    f"{method.en} are not shown.",
                )
            )
    return said


def _samples(chosen: Chosen) -> list[Text]:
    samples = list(dict.fromkeys(chosen.sample(record) for record in chosen.columns))
    if len(samples) > 1:
        return []
    return [Text(f"样本:{samples[0].zh}。", f"Sample: {samples[0].en[:1].lower()}{samples[0].en[1:]}.")]


def _dropped(chosen: Chosen) -> list[Text]:
    """Rows that could not be used; terms that were dropped are told by the messages."""
    said = []
    for name, zh, en in (
        ("n_dropped_missing", "缺失值", "missing values"),
        ("n_dropped_singletons", "单点固定效应", "fixed effects of their own"),
    ):
        for count, at in _columns_where(chosen, partial(_count, name)).items():
            if count:
                numbers = _numbers(at)
                said.append(
                    Text(
                        f"第{numbers.zh}列因{zh}剔除观测{'各' * (len(at) > 1)} {count} 个。",
                        f"Rows left out for {en} in {'each of ' * (len(at) > 1)}{numbers.en}: {count}.",
                    )
                )
    return said


def _event_times(chosen: Chosen) -> list[Text]:
    """Which years are the reference, and which hold several."""
    rows = [row for record in chosen.columns for row in chosen.shown(record) if row.get("is_binned") is not None]
    times = sorted({row["event_time"] for row in rows if row["is_binned"]})
    said = []
    if any(row["event_time"] == REFERENCE for row in rows):
        said.append(Text(f"第 {REFERENCE} 年为基期。", f"Year {REFERENCE} is the reference."))
    if times:
        zh = ",".join(f"第 {time:+d} 年含其{'前' if time < 0 else '后'}各年" for time in times)
        en = " and ".join(f"year {time:+d} holds all {'earlier' if time < 0 else 'later'} ones" for time in times)
        said.append(Text(f"{zh}。", f"{_capital(en)}."))
    return said


def _messages(chosen: Chosen) -> list[Text]:
    """What regressions say of themselves, each sentence once with the columns or rows that it is about."""
    about: dict[str, list[tuple[int, str]]] = {}
    for place, record in enumerate(chosen.columns, start=1):
        shown = [row for row in chosen.shown(record) if row.get("is_binned") is None or row["estimate"] is None]
        terms = dict.fromkeys(chosen.records.term(row) for row in shown)
        said = {term: _sentences(row for row in shown if chosen.records.term(row) == term) for term in terms}
        for sentence in dict.fromkeys(chain.from_iterable(said.values())):
            having = [term for term in terms if sentence in said[term]]
            # A sentence of one row names the row.
            which = [""] if len(having) == len(terms) else having
            about.setdefault(sentence, []).extend((place, term) for term in which)
    return [_message(chosen, sentence, at) for sentence, at in about.items()]


def _message(chosen: Chosen, sentence: str, at: Sequence[tuple[int, str]]) -> Text:
    note = chosen.tools.note(sentence)
    places = sorted({place for place, _ in at})
    terms = [chosen.label(term) for term in dict.fromkeys(term for _, term in at) if term]
    named = joined(terms)
    if len(places) == len(chosen.columns) and not terms:
        return note
    numbers = _numbers(places)
    zh, en = f"第{numbers.zh}列", f"{_column(places)} {numbers.en}"
    if terms:
        zh, en = f"{zh}{named.zh}", f"{en}, {named.en}"
    return Text(f"{zh}:{note.zh}", f"{en}: {note.en}")


def _count(name: str, record: Record) -> object:
    """A count of the whole regression, zero where it has none."""
    return record.first.get(name) or 0


def _sentences(rows: Iterable[Row]) -> list[str]:
    """The sentences of the messages of some rows, each once."""
    said = (re.split(r"(?<=\.)\s+(?=[A-Z])", str(row["message"])) for row in rows if row["message"])
    return list(dict.fromkeys(chain.from_iterable(said)))


def _numbers(places: Sequence[int]) -> Text:
    """Columns by their numbers."""
    numbers = [f"({place})" for place in places]
    return Text("、".join(numbers), ", ".join(numbers))


def _column(places: Sequence[int]) -> str:
    return "Column" if len(places) == 1 else "Columns"


def _have(places: Sequence[int]) -> str:
    return "has" if len(places) == 1 else "have"


def _pairs(zh: Sequence[str], en: Sequence[str]) -> list[tuple[str, str]]:
    """Notes in both languages side by side; one in one language is said in both."""
    length = max(len(zh), len(en))
    return [(zh[at] if at < len(zh) else "", en[at] if at < len(en) else "") for at in range(length)]


def _capital(words: str) -> str:
    """A capital in front, but for a letter that stands for a statistic."""
    return words if words[1:2] == " " else words[:1].upper() + words[1:]
