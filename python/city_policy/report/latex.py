"""Tables as LaTeX: one file per table with booktabs, and a main document that compiles with XeLaTeX."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from city_policy.report.cells import CLUSTERED, IID, Cell, Panel, PaperTable, TableRow, notes_of
from city_policy.report.study import LANGUAGES, Text

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "×": r"$\times$", "—": "---", "∗": r"$\ast$",
    "–": "--", "œ": r"{\oe}", "Œ": r"{\OE}",
}  # fmt: skip
# Width of the text block of A4 with margins of 2 cm, and of the column of labels, in centimetres.
TEXT_WIDTH, LABEL_WIDTH, WIDEST_COLUMN = 17.0, 4.2, 3.2
# Few columns leave room for labels on one line, so that t values stand right below their coefficient.
WIDE_LABEL = 6.2
COLUMN_GAP = 0.28
LINES_PER_PAGE = 46
LETTERS_PER_CENTIMETRE = 6.5  # in footnotesize; a Chinese character is two

PREAMBLE = {
    "zh": "% 用 XeLaTeX 编译\n\\documentclass[UTF8,zihao=-4]{ctexart}\n",
    "mixed": "% Compile with XeLaTeX\n\\documentclass[UTF8,scheme=plain,11pt]{ctexart}\n",
    "en": "% Compile with XeLaTeX or pdfLaTeX\n\\documentclass[11pt]{article}\n\\usepackage[T1]{fontenc}\n",
}


def escape(words: str) -> str:
    """Words as LaTeX text."""
    escaped = re.sub(r"[\\&%$#_{}~^−×—∗–œŒ]", lambda found: _SPECIAL[found[0]], words)
    return re.sub(r"\bR2\b", "$R^2$", escaped)


def _signed(number: str) -> str:
    """A number with LaTeX's minus sign."""
    return number.replace("-", "$-$")


def _cell(cell: Cell, language: str) -> str:
    if cell.words is not None:
        return escape(cell.words[language])
    mark = cell.stars(CLUSTERED)
    return escape(cell.number) if cell.number == "—" else _signed(cell.number) + (f"$^{{{mark}}}$" if mark else "")


def _panel(panel: Panel, language: str, is_text: bool) -> list[str]:
    n = panel.n_columns
    label_width = LABEL_WIDTH if n > 3 else WIDE_LABEL
    width = min(WIDEST_COLUMN, (TEXT_WIDTH - label_width) / max(n, 1) - COLUMN_GAP)
    # Columns of words, as of the indicators, share what numbers do not need.
    widths = [2.6, 6.2, 1.2, 1.4] if is_text else [width] * n
    centred = "".join(rf">{{\centering\arraybackslash\hspace{{0pt}}}}p{{{w:.2f}cm}}" for w in widths)
    lines = [
        rf"\begin{{tabular}}{{@{{}}>{{\raggedright\arraybackslash}}p{{{label_width}cm}}{centred}@{{}}}}",
        r"\toprule",
    ]
    if panel.title:
        lines += [rf"\multicolumn{{{n + 1}}}{{@{{}}l}}{{{escape(panel.title[language])}}} \\", r"\midrule"]
    for number, line in enumerate(panel.headings):
        label = escape(panel.label_heading[language]) if number == len(panel.headings) - 1 else ""
        cells, rules, column = [label], [], 2
        for words, span in line:
            text = escape(words[language])
            if span > 1:
                spanned = sum(widths[column - 2 : column - 2 + span]) + (span - 1) * COLUMN_GAP
                cells.append(
                    rf"\multicolumn{{{span}}}{{>{{\centering\arraybackslash\hspace{{0pt}}}}p{{{spanned:.2f}cm}}}}{{{text}}}"
                )
                rules.append(rf"\cmidrule(lr){{{column}-{column + span - 1}}}")
            else:
                cells.append(text)
            column += span
        lines.append(" & ".join(cells) + r" \\" + "".join(rules))
    lines.append(r"\midrule")
    for row in panel.rows:
        label = escape(row.label[language])
        if row.is_heading:
            lines.append(rf"\multicolumn{{{n + 1}}}{{@{{}}l}}{{\textit{{{label}}}}} \\")
            continue
        lines.append(" & ".join([label, *(_cell(cell, language) for cell in row.cells)]) + r" \\")
        for vcov, brackets in ((CLUSTERED, "()"), (IID, "[]")):
            if any(cell.statistic(vcov) for cell in row.cells):
                # An empty group first: a line that starts with a bracket would be read as the optional argument of \\.
                statistics = [
                    f"{{}}{brackets[0]}{_signed(cell.statistic(vcov))}{brackets[1]}" if cell.statistic(vcov) else ""
                    for cell in row.cells
                ]
                lines.append(" & ".join(["", *statistics]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _row_height(row: TableRow, n_columns: int) -> int:
    """Lines that a row takes: its numbers with their t values, or its label, whichever is longer."""
    numbers = 1 + sum(any(cell.statistic(vcov) for cell in row.cells) for vcov in (CLUSTERED, IID))
    per_line = LETTERS_PER_CENTIMETRE * (LABEL_WIDTH if n_columns > 3 else WIDE_LABEL)
    longest = max(sum(1 + (ord(letter) > 0x2E7F) for letter in row.label[language]) for language in LANGUAGES)
    # t values stand in lines of their own, below the label.
    return max(numbers, math.ceil(longest / per_line) + numbers - 1)


def _height(panel: Panel) -> int:
    """Lines that a panel takes."""
    return sum(_row_height(row, panel.n_columns) for row in panel.rows) + len(panel.headings) + 3


def _parts(panel: Panel) -> list[Panel]:
    """The panel in parts that fit on a page."""
    parts: list[list[TableRow]] = [[]]
    room = LINES_PER_PAGE - len(panel.headings) - 3
    for row in panel.rows:
        if parts[-1] and sum(_row_height(one, panel.n_columns) for one in [*parts[-1], row]) > room:
            parts.append([])
        parts[-1].append(row)
    title = panel.title
    again = Text(f"{title.zh}(续)", f"{title.en} (continued)") if title else None
    return [replace(panel, rows=tuple(rows), title=again if at else title) for at, rows in enumerate(parts)]


def _pages(panels: tuple[Panel, ...]) -> list[list[Panel]]:
    """Panels that fit on one page together."""
    pages: list[list[Panel]] = [[]]
    for panel in (part for whole in panels for part in _parts(whole)):
        if pages[-1] and sum(map(_height, pages[-1])) + _height(panel) > LINES_PER_PAGE:
            pages.append([])
        pages[-1].append(panel)
    return pages


def latex_table(table: PaperTable, language: str) -> str:
    """One table as LaTeX floats: a second one continues it where a page is full."""
    is_text = table.result == "index_weights"
    pages = _pages(table.panels)
    lines = []
    for page, panels in enumerate(pages):
        again = Text("(续)", " (continued)")[language] if page else ""
        lines += [rf"\setcounter{{table}}{{{table.number - 1}}}", r"\begin{table}[htbp]"]
        lines += [r"\centering\footnotesize\setlength{\tabcolsep}{0.14cm}"]
        lines += [
            rf"\caption{{{escape(table.title[language])}{again}}}" + ("" if page else rf"\label{{tab:{table.number}}}")
        ]
        for number, panel in enumerate(panels):
            lines += ([r"\par\smallskip"] if number else []) + _panel(panel, language, is_text)
        if page == len(pages) - 1:
            notes = " ".join(escape(note[language]) for note in notes_of(table))
            lead = Text("注:", "Notes: ")[language]
            lines += [r"\par\smallskip", rf"\parbox{{{TEXT_WIDTH}cm}}{{\scriptsize {lead}{notes}}}"]
        lines.append(r"\end{table}")
    return "\n".join(lines) + "\n"


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
