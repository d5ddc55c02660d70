"""Tables as LaTeX: one file per table with booktabs, and a main document that compiles with XeLaTeX."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from city_policy.report.cells import (
    MOST_COLUMNS,
    Cell,
    Layout,
    Panel,
    PaperTable,
    TableRow,
    lines_below,
    notes_of,
    split,
)
from city_policy.report.study import LANGUAGES, Text
from city_policy.report.typography import digits, parts

# Two hyphens or quotes in a row would become one sign; an empty group keeps them apart.
APART = "\u2063"
_ligature = re.compile(r"(?<=[-`'<>?!,])(?=[-`'<>])")
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "×": r"$\times$", "—": "---", "∗": r"$\ast$",
    "–": "--", "œ": r"{\oe}", "Œ": r"{\OE}", "²": "$^2$", "\u202f": r"\,", "\u00a0": "~", "≤": r"$\leq$",
    "≥": r"$\geq$", APART: "{}",
}  # fmt: skip
_special = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
# Width of the text block of A4 with margins of 2 cm, and of the column of labels, in centimetres.
TEXT_WIDTH, LABEL_WIDTH, WIDEST_COLUMN = 17.0, 4.2, 3.2
# Few columns leave room for labels on one line, so that t values stand right below their coefficient.
WIDE_LABEL = 6.2
# More columns than this need smaller letters and leave less for the labels.
MANY, NARROW_LABEL = 6, 3.4
COLUMN_GAP = 0.28
LINES_PER_PAGE = 46
LETTERS_PER_CENTIMETRE = 6.5  # in footnotesize; a Chinese character is two
# Notes are smaller: letters in a centimetre, the height of a line of theirs, and the lines of a page with notes.
LETTERS_PER_CENTIMETRE_OF_NOTES, HEIGHT_OF_NOTES, LINES_WITH_NOTES = 7.5, 0.8, 50

PREAMBLE = {
    "zh": "% 用 XeLaTeX 编译\n\\documentclass[UTF8,zihao=-4]{ctexart}\n",
    "mixed": "% Compile with XeLaTeX\n\\documentclass[UTF8,scheme=plain,11pt]{ctexart}\n",
    "en": "% Compile with XeLaTeX or pdfLaTeX\n\\documentclass[11pt]{article}\n\\usepackage{iftex}\n"
    "\\ifPDFTeX\\usepackage[T1]{fontenc}\\fi\n",
}


def escape(words: str) -> str:
    """Words as LaTeX text, in which nothing is a command."""
    return _special.sub(lambda found: _SPECIAL[found[0]], _ligature.sub(APART, words))


def _text(words: str) -> str:
    """Typeset words as LaTeX text, letters that stand for a statistic in italics."""
    return "".join(rf"\textit{{{escape(part)}}}" if is_italic else escape(part) for part, is_italic in parts(words))


def _wrapped(words: str) -> str:
    """Words in a narrow column, of which the first may be hyphenated too; a number never breaks."""
    return rf"\hspace{{0pt}}{_text(words)}" if words else ""


def _number(text: str) -> str:
    """A printed number with LaTeX's minus signs and narrow spaces."""
    return escape(digits(text))


def _cell(cell: Cell, language: str, layout: Layout) -> str:
    if cell.words is not None:
        return _wrapped(cell.words[language])
    mark = cell.marked(layout)
    return _number(cell.number) + (f"$^{{{mark}}}$" if mark else "")


def _label_width(n: int) -> float:
    """Width of the labels beside so many columns, in centimetres."""
    return NARROW_LABEL if n > MANY else LABEL_WIDTH if n > 3 else WIDE_LABEL


def _column_width(n: int) -> float:
    """Width of each of so many columns of numbers, in centimetres."""
    return min(WIDEST_COLUMN, (TEXT_WIDTH - _label_width(n)) / max(n, 1) - COLUMN_GAP)


def _panel_width(panel: Panel) -> float:
    """Width of a panel of numbers, in centimetres."""
    n = panel.n_columns
    return _label_width(n) + n * (_column_width(n) + COLUMN_GAP)


def _panel(panel: Panel, language: str, is_text: bool, layout: Layout) -> list[str]:
    n = panel.n_columns
    label_width, width = _label_width(n), _column_width(n)
    # Columns of words, as of the indicators, share what numbers do not need.
    widths = [2.6, 6.2, 1.2, 1.4] if is_text else [width] * n
    centred = "".join(rf">{{\centering\arraybackslash}}p{{{w:.2f}cm}}" for w in widths)
    lines = [
        rf"\begin{{tabular}}{{@{{}}>{{\raggedright\arraybackslash}}p{{{label_width}cm}}{centred}@{{}}}}",
        r"\toprule",
    ]
    if panel.title:
        lines += [rf"\multicolumn{{{n + 1}}}{{@{{}}l}}{{{_text(panel.title[language])}}} \\", r"\midrule"]
    for number, line in enumerate(panel.headings):
        label = _text(panel.label_heading[language]) if number == len(panel.headings) - 1 else ""
        cells, rules, column = [label], [], 2
        for words, span in line:
            text = _wrapped(words[language])
            if span > 1:
                spanned = sum(widths[column - 2 : column - 2 + span]) + (span - 1) * COLUMN_GAP
                cells.append(rf"\multicolumn{{{span}}}{{>{{\centering\arraybackslash}}p{{{spanned:.2f}cm}}}}{{{text}}}")
                rules.append(rf"\cmidrule(lr){{{column}-{column + span - 1}}}")
            else:
                cells.append(text)
            column += span
        lines.append(" & ".join(cells) + r" \\" + "".join(rules))
    lines.append(r"\midrule")
    for row in panel.rows:
        label = _text(row.label[language])
        if row.is_heading:
            lines.append(rf"\multicolumn{{{n + 1}}}{{@{{}}l}}{{\textit{{{label}}}}} \\")
            continue
        if 1 < _label_lines(row, n, language) <= 1 + len(lines_below(row, layout)):
            # A label of two lines stands beside both, so that it parts no number from its t value.
            label = rf"\smash{{\parbox[t]{{\linewidth}}{{\raggedright {label}}}}}"
        lines.append(" & ".join([label, *(_cell(cell, language, layout) for cell in row.cells)]) + r" \\")
        for below in lines_below(row, layout):
            # An empty group first: a line that starts with a bracket would be read as the optional argument of \\.
            said = (cell.below(below) for cell in row.cells)
            lines.append(" & ".join(["", *(f"{{}}{_number(one)}" if one else "" for one in said)]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _units(words: str) -> int:
    """The width of words in letters; a Chinese character is two."""
    return sum(1 + (ord(letter) > 0x2E7F) for letter in words)


def _label_lines(row: TableRow, n_columns: int, language: str) -> int:
    """Lines that the label of a row takes."""
    per_line = LETTERS_PER_CENTIMETRE * _label_width(n_columns)
    return math.ceil(_units(row.label[language]) / per_line)


def _row_height(row: TableRow, n_columns: int, layout: Layout) -> int:
    """Lines that a row takes: its numbers with what stands below them, or its label, whichever is longer."""
    numbers = 1 + len(lines_below(row, layout))
    longest = max(_label_lines(row, n_columns, language) for language in LANGUAGES)
    # A longer label stands above what is below the numbers.
    return numbers if longest <= numbers else longest + numbers - 1


def _height(panel: Panel, layout: Layout) -> int:
    """Lines that a panel takes."""
    return sum(_row_height(row, panel.n_columns, layout) for row in panel.rows) + len(panel.headings) + 3


def _parts(panel: Panel, layout: Layout) -> list[Panel]:
    """The panel in parts that fit on a page."""
    parts: list[list[TableRow]] = [[]]
    room = LINES_PER_PAGE - len(panel.headings) - 3
    for row in panel.rows:
        if parts[-1] and sum(_row_height(one, panel.n_columns, layout) for one in [*parts[-1], row]) > room:
            parts.append([])
        parts[-1].append(row)
    title = panel.title
    again = Text(f"{title.zh}(续)", f"{title.en} (continued)") if title else None
    return [replace(panel, rows=tuple(rows), title=again if at else title) for at, rows in enumerate(parts)]


def _pages(table: PaperTable) -> list[list[Panel]]:
    """Panels that fit on one page together, the last ones with the notes."""
    layout = table.layout
    pages: list[list[Panel]] = [[]]
    # An upright page is narrower than one of Word.
    narrow = (part for whole in table.panels for part in split(whole, MOST_COLUMNS))
    for panel in (part for whole in narrow for part in _parts(whole, layout)):
        if pages[-1] and sum(_height(one, layout) for one in [*pages[-1], panel]) > LINES_PER_PAGE:
            pages.append([])
        pages[-1].append(panel)
    notes = max(sum(map(_units, (note[language] for note in notes_of(table)))) for language in LANGUAGES)
    lines = notes / (TEXT_WIDTH * LETTERS_PER_CENTIMETRE_OF_NOTES) * HEIGHT_OF_NOTES
    if len(pages[-1]) > 1 and sum(_height(one, layout) for one in pages[-1]) + lines > LINES_WITH_NOTES:
        pages.append([pages[-1].pop()])
    return pages


def latex_table(table: PaperTable, language: str) -> str:
    """One table as LaTeX floats: a second one continues it where a page is full."""
    is_text = table.result == "index_weights"
    pages = _pages(table)
    lines = []
    for page, panels in enumerate(pages):
        again = Text("(续)", " (continued)")[language] if page else ""
        size = r"\scriptsize" if any(panel.n_columns > MANY for panel in panels) else r"\footnotesize"
        # A table that is a file of its own takes its number from the paper.
        if table.number is not None:
            lines.append(rf"\setcounter{{table}}{{{table.number - 1}}}")
        elif page:
            lines.append(r"\addtocounter{table}{-1}")
        label = rf"\label{{tab:{table.number}}}" if table.number is not None and not page else ""
        lines += [
            r"\begin{table}[htbp]",
            rf"\centering{size}\setlength{{\tabcolsep}}{{{COLUMN_GAP / 2:.2f}cm}}",
            r"\setlength{\abovecaptionskip}{0pt}\setlength{\belowcaptionskip}{6pt}",
            rf"\caption{{{_text(table.title[language])}{again}}}{label}",
        ]
        for place, panel in enumerate(panels):
            lines += ([r"\par\smallskip"] if place else []) + _panel(panel, language, is_text, table.layout)
        if page == len(pages) - 1:
            notes = Text("", " ")[language].join(_text(note[language]) for note in notes_of(table))
            lead = Text("注:", "Notes: ")[language]
            width = TEXT_WIDTH if is_text else max((_panel_width(panel) for panel in panels), default=TEXT_WIDTH)
            lines += [r"\par\smallskip", rf"\parbox{{{width:.2f}cm}}{{\scriptsize {lead}{notes}}}"]
        lines.append(r"\end{table}")
    return "\n".join(lines) + "\n"


def latex_file(table: PaperTable, language: str) -> str:
    """A table as a file that a paper takes in by ``\\input``; its first line says what the paper must load."""
    packages = "% \\usepackage{array,booktabs}"
    return f"{packages}{Text('，中文用 ctex', '')[language]}\n{latex_table(table, language)}"


def write_latex(tables: Sequence[PaperTable], folder: Path, language: str) -> None:
    """Write ``table_1.tex`` … and ``main.tex`` into ``folder``."""
    for table in tables:
        (folder / f"table_{table.number}.tex").write_text(latex_table(table, language), encoding="utf-8")
    inputs = "\n".join(rf"\input{{table_{table.number}.tex}}" + "\n" + r"\clearpage" for table in tables)
    # A name that a study has in Chinese only needs Chinese fonts on the English page too.
    has_chinese = any(re.search(r"[\u4e00-\u9fff]", latex_table(table, language)) for table in tables)
    (folder / "main.tex").write_text(
        PREAMBLE["mixed" if has_chinese and language == "en" else language]
        + "\\usepackage[a4paper,margin=2cm]{geometry}\n\\usepackage{array,booktabs}\n\\begin{document}\n"
        + inputs
        + "\n\\end{document}\n",
        encoding="utf-8",
    )
