"""The sentences that the warehouse keeps in its columns of notes, in both languages of the report.

The tables of the warehouse speak English and name series and variables as SQL does. A reader of the report gets
their names, and Chinese sentences on the Chinese page. A sentence that no pattern knows stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from city_policy.report.study import Text, same

# Pattern of a whole sentence, or of one item of a list in it, and what it says in Chinese. A group is a number, an
# identifier, or a list of items with commas.
_CHINESE: tuple[tuple[str, str], ...] = (
    (r"not covered by this input: (.+)", "本次输入未覆盖:{0}"),
    (r"not covered by this input", "本次输入未覆盖"),
    (r"Controls not covered by this input: (.+)\.", "本次输入未覆盖的控制变量:{0}。"),
    (r"(.+?) \(not printed\)", "{0}(未刊印)"),
    (r"(.+?) \(values for (\d+) % of the cities in (\d+)\)", "{0}({2} 年仅 {1} % 的城市有数值)"),
    (r"one of the two subsystems has no covered component", "两个子系统之一没有任何被覆盖的指标"),
    (
        r"the capital stock needs investment in every year, which (\d+) % of the cities have",
        "资本存量需要每一年的投资,仅 {0} % 的城市具备",
    ),
    (
        r"the capital stock needs consecutive years and the frame has gaps",
        "资本存量需要连续年份,而面板年份有间断",
    ),
    (
        r"The instrument contains the treatment: (\w+) is a pilot policy that acts on the outcome itself, "
        r"so exclusion is doubtful\.",
        "工具变量含有处理变量:{0}本身就是直接作用于结果的试点政策,排他性存疑。",
    ),
    (
        r"The instrument contains the treatment itself \((\w+)\), so exclusion is doubtful\.",
        "工具变量含有处理变量本身({0}),排他性存疑。",
    ),
    (
        r"The instrument contains no policy; exclusion still requires that it moves the outcome through the treatment "
        r"only\.",
        "工具变量不含任何政策;排他性仍要求它只通过处理变量影响结果。",
    ),
    (
        r"The fixed effects (\S+) have a group of their own for every row, so they absorb (\w+) and everything else\.",
        "固定效应 {0} 使每一行自成一组,因而吸收了{1}和其他一切变量。",
    ),
    (
        r"Lasso on a polynomial of degree (\d+), (\d+) folds of cities, median of (\d+) repetitions\.",
        "Lasso,{0} 次多项式,按城市分 {1} 折,取 {2} 次重复的中位数。",
    ),
    (
        r"All rows on the common support are kept; (\d+) of (\d+) treated and (\d+) of (\d+) control rows are on it, "
        r"(\d+) control rows are matched\.",
        "保留共同支撑域内的全部观测:处理组 {1} 个中的 {0} 个、对照组 {3} 个中的 {2} 个在域内,"
        "匹配上的对照组观测 {4} 个。",
    ),
    (
        r"The matched rows are kept; (\d+) of (\d+) treated and (\d+) of (\d+) control rows are on it, "
        r"(\d+) control rows are matched\.",
        "仅保留匹配样本:处理组 {1} 个中的 {0} 个、对照组 {3} 个中的 {2} 个在共同支撑域内,匹配上的对照组观测 {4} 个。",
    ),
    (
        r"The decomposition needs consecutive years; the sample '(\w+)' has gaps\.",
        "分解需要连续年份,样本 {0} 的年份有间断。",
    ),
    (
        r"No row of the sample '(\w+)' can be used: (\w+) is missing in every row\.",
        "样本 {0} 没有可用的观测:{1}在每一行都缺失。",
    ),
    (r"Dropped as collinear: (.+)\.", "因共线而剔除:{0}。"),
    (r"The sample '(\w+)' is empty\.", "样本 {0} 没有观测。"),
)
_patterns = [(re.compile(pattern), chinese) for pattern, chinese in _CHINESE]
_sentence_end = re.compile(r"(?<=\.)\s+(?=[A-Z])")


def both_languages(message: str, names: Mapping[str, Text]) -> Text:
    """A note of the warehouse in Chinese and English.

    Parameters
    ----------
    message
        One or more sentences, as a column of notes holds them.
    names
        Names of the measures, series, variables and policies by their identifier.
    """
    sentences = [_translate(sentence, names) for sentence in _sentence_end.split(message)]
    # Chinese sentences follow each other without a blank.
    chinese = " ".join(text.zh for text in sentences).replace("。 ", "。")
    return Text(chinese, " ".join(text.en for text in sentences))


def _translate(sentence: str, names: Mapping[str, Text]) -> Text:
    """One sentence, or one item of a list, in both languages."""
    matches = ((pattern.fullmatch(sentence), chinese) for pattern, chinese in _patterns)
    found, chinese = next((match for match in matches if match[0]), (None, ""))
    if found is None:
        return names.get(sentence) or same(sentence)
    groups = [[_translate(item, names) for item in group.split(", ")] for group in found.groups()]
    english = sentence
    for number in range(len(groups), 0, -1):
        start, end = found.span(number)
        english = english[:start] + ", ".join(item.en for item in groups[number - 1]) + english[end:]
    return Text(chinese.format(*("、".join(item.zh for item in group) for group in groups)), english)
