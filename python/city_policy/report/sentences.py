"""The sentences of the published tables with their Chinese form, as rows that SQL can join.

The tables hold English sentences. Those of the library and of the models have a row in ``messages.csv``; words of a
seed or of a study have their Chinese beside them. The report translates with the same functions.
"""

import re
from collections.abc import Iterable, Iterator

import pandas as pd
from duckdb import DuckDBPyRelation

from city_policy.estimation.contract.record import cast_to_schema
from city_policy.report.database import Row
from city_policy.report.messages import both_languages, codes, unknown_sentences
from city_policy.report.study import Names, Text

# Columns with sentences of the library and of the models, in whatever table they are.
MESSAGE_COLUMNS = (
    "data_source",
    "degrees_rule",
    "evidence",
    "exclusion_reason",
    "explanation",
    "implied",
    "message",
    "missing_reason",
    "permuted",
    "proxies",
    "published",
    "quarantine_reason",
    "sentence",
    "uncovered_reason",
)
# Columns in which words of a seed or of the study are found too; without a Chinese form they have no row.
WORD_COLUMNS = (
    "agreement_means",
    "basis",
    "bound",
    "count",
    "known_break",
    "note",
    "observed",
    "real_gdp_basis",
    "results_in_doubt",
    "subject",
    "topic",
    "used_by",
    "what_to_read_instead",
)
WORDS_SCHEMA = {"kind": "str", "words": "str", "words_zh": "str", "words_en": "str"}
SENTENCES_SCHEMA = {"sentence": "str", "code": "str", "sentence_zh": "str"}
# English words in a Chinese sentence: words of a study as an argument of a message.
_english = re.compile(r"[a-z]{3,} [a-z]{3,}")
_letter = re.compile(r"[A-Za-z]")


def texts(
    names: Names, topics: Iterable[Row], breaks: Iterable[Row] = (), published: Iterable[Row] = ()
) -> dict[str, Text]:
    """English words of the seeds and of the study -> the same in both languages, where the Chinese is not blank.

    ``topics``: rows of the seeds ``general_topics`` and ``soundness_topics`` in that order, so that a study's own words
    go before the general ones; ``breaks``: rows of ``series_breaks``; ``published``: rows about what a paper prints, of
    ``claimed_orderings``, ``count_explanations`` and ``excluded_cities``.
    """
    found = names.labels_of("agreement", "basis", "count")
    for row in published:
        for column in ("claim", "explanation", "reason"):
            if row.get(column) and row.get(f"{column}_zh"):
                found[str(row[column])] = Text(str(row[f"{column}_zh"]), str(row[column]))
    found |= {str(row["note_en"]): Text(str(row["note_zh"]), str(row["note_en"])) for row in breaks if row["note_zh"]}
    for row in topics:
        for column in ("topic", "note", "what_to_read_instead"):
            if row[column] and row[f"{column}_zh"]:
                found[str(row[column])] = names.with_names(Text(str(row[f"{column}_zh"]), str(row[column])))
    return found


def words_in_both_languages(
    *,
    labels: Iterable[pd.DataFrame],
    series: pd.DataFrame,
    indicators: pd.DataFrame,
    variables: pd.DataFrame,
    policies: pd.DataFrame,
    samples: pd.DataFrame,
    topics: Iterable[pd.DataFrame],
    breaks: pd.DataFrame,
    published: Iterable[pd.DataFrame],
) -> pd.DataFrame:
    """What the sentences of a build are translated with: names by identifier, and words of the seeds and of the study.

    Parameters
    ----------
    labels
        The seeds ``general_labels`` and ``labels``.
    series, indicators, breaks
        The seeds ``series``, ``indicators`` and ``series_breaks``.
    variables, policies, samples
        The staged tables, with ``position``.
    topics
        The seeds ``general_topics`` and ``soundness_topics``.
    published
        The seeds ``claimed_orderings``, ``count_explanations`` and ``excluded_cities``.

    Returns
    -------
    pd.DataFrame
        One row per ``kind`` (``identifier`` or ``text``) and ``words``, with ``words_zh`` and ``words_en``.
    """
    names = Names(
        labels=[row for frame in labels for row in _rows(frame)],
        series=_rows(series),
        indicators=_rows(indicators),
        variables=_rows(variables.sort_values("position")),
        policies=_rows(policies.sort_values("position")),
        samples=_rows(samples.sort_values("position")),
    )
    found = {
        "identifier": names.identifiers,
        "text": texts(
            names,
            [row for frame in topics for row in _rows(frame)],
            _rows(breaks),
            [row for frame in published for row in _rows(frame)],
        ),
    }
    rows = [(kind, words, text.zh, text.en) for kind, known in found.items() for words, text in sorted(known.items())]
    return cast_to_schema(pd.DataFrame(rows, columns=list(WORDS_SCHEMA)), WORDS_SCHEMA)


def chinese_sentences(tables: Iterable[DuckDBPyRelation], words: pd.DataFrame) -> pd.DataFrame:
    """The sentences of ``tables`` with their Chinese form.

    Parameters
    ----------
    tables
        Published tables; their columns ``MESSAGE_COLUMNS`` and ``WORD_COLUMNS`` are read. Numbers and stars read the
        same in both languages and are left out.
    words
        The table that :func:`words_in_both_languages` makes.

    Returns
    -------
    pd.DataFrame
        One row per ``sentence`` as a column holds it, in alphabetical order, with ``code``, the codes of its sentences
        in ``messages.csv``, empty for words of a seed or of the study, and ``sentence_zh``, empty for a sentence that
        ``messages.csv`` does not know.
    """
    known: dict[str, dict[str, Text]] = {"identifier": {}, "text": {}}
    for given in _rows(words):
        known[given["kind"]][given["words"]] = Text(given["words_zh"], given["words_en"])
    said: dict[str, bool] = {}
    for column, sentence in _said(tables):
        said[sentence] = said.get(sentence, False) or column in MESSAGE_COLUMNS
    rows = []
    for sentence, is_message in sorted(said.items()):
        code, chinese = _translated(sentence, known["identifier"], known["text"])
        if not _letter.search(sentence) and (code is None or chinese == sentence):
            # A number or stars read the same in both languages.
            continue
        if is_message or (chinese and not (code and _english.search(chinese))):
            rows.append((sentence, code, chinese))
    return cast_to_schema(pd.DataFrame(rows, columns=list(SENTENCES_SCHEMA)), SENTENCES_SCHEMA)


def _said(tables: Iterable[DuckDBPyRelation]) -> Iterator[tuple[str, str]]:
    """Column and sentence, for every sentence of the tables."""
    for table in tables:
        for column, type_ in zip(table.columns, table.types, strict=True):
            if column in (*MESSAGE_COLUMNS, *WORD_COLUMNS) and type_ == "VARCHAR":
                for (sentence,) in table.project(f'"{column}"').distinct().fetchall():
                    if sentence:
                        yield column, sentence


def _translated(sentence: str, names: dict[str, Text], own: dict[str, Text]) -> tuple[str | None, str | None]:
    """Codes and Chinese form of a sentence; ``own``: words that have their Chinese beside them."""
    if sentence in own:
        return None, own[sentence].zh
    if unknown_sentences(sentence, names):
        return None, None
    return " ".join(codes(sentence, names)) or None, both_languages(sentence, names).zh


def _rows(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame by column names, a missing value as None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")
