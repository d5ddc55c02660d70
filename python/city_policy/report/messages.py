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
        r"The effect rests on in effect ([\d.]+) cities: below (\d+) clustered errors are too small; read the wild "
        r"bootstrap and the randomisation p value\.",
        "该效应实际上只依托 {0} 个城市:不足 {1} 个时聚类标准误偏小,应读 wild bootstrap 与随机化检验的 P 值。",
    ),
    (
        r"The effect rests on in effect ([\d.]+) groups of (\w+): below (\d+) clustered errors are too small; read the "
        r"wild bootstrap and the randomisation p value\.",
        "该效应实际上只依托 {0} 个{1}聚类:不足 {2} 个时聚类标准误偏小,应读 wild bootstrap 与随机化检验的 P 值。",
    ),
    (
        r"The effect rests on in effect ([\d.]+) cities: its clustered error cannot be estimated\.",
        "该效应实际上只依托 {0} 个城市,聚类标准误无法估计。",
    ),
    (
        r"The effect rests on in effect ([\d.]+) groups of (\w+): its clustered error cannot be estimated\.",
        "该效应实际上只依托 {0} 个{1}聚类,聚类标准误无法估计。",
    ),
    (r"Years by which the start is moved forward: (\d+)\.", "试点时间提前 {0} 年。"),
    (
        r"Treated years left out after the start, counted as missing: (\d+)\.",
        "剔除试点开始后的 {0} 年,计入缺失。",
    ),
    (r"The effect is that of one more year of exposure\.", "系数为试点每多持续一年的效应。"),
    (
        r"The effect is that of one unit of (\w+) where the policy is on\.",
        "系数为试点期间{0}每增加一个单位的效应。",
    ),
    (
        r"The matched rows are kept, each once; (\d+) of (\d+) treated and (\d+) of (\d+) control rows are on it, "
        r"(\d+) control rows are matched\.",
        "仅保留匹配样本,各计一次:处理组 {1} 个中的 {0} 个、对照组 {3} 个中的 {2} 个在共同支撑域内,"
        "匹配上的对照组观测 {4} 个。",
    ),
    (
        r"The matched rows are kept, a control row as often as it serves; (\d+) of (\d+) treated and (\d+) of (\d+) "
        r"control rows are on it, (\d+) control rows are matched\.",
        "仅保留匹配样本,对照组观测按匹配次数加权:处理组 {1} 个中的 {0} 个、对照组 {3} 个中的 {2} 个在共同支撑域内,"
        "匹配上的对照组观测 {4} 个。",
    ),
    (
        r"The decomposition needs consecutive years; the sample '(\w+)' has gaps\.",
        "分解需要连续年份,样本 {0} 的年份有间断。",
    ),
    (
        r"No row of the sample '(\w+)' can be used: (\w+) is missing in every row\.",
        "样本 {0} 没有可用的观测:{1}在每一行都缺失。",
    ),
    (
        r"The decomposition needs a balanced panel; the sample '(\w+)' has (\d+) usable rows for (\d+) cities and "
        r"(\d+) years \((\d+) missing, (\d+) of its rows without the outcome\)\.",
        "分解需要平衡面板:样本 {0} 有 {2} 个城市、{3} 年的 {1} 个可用观测(缺 {4} 个,其中 {5} 个缺被解释变量)。",
    ),
    (
        r"No value in (\d+) of (\d+) city-years: not in the input, or a logarithm of or a division by zero\.",
        "{1} 个城市—年份中有 {0} 个没有数值:输入中没有,或是零的对数、除以零。",
    ),
    (r"No value in the input\.", "输入中没有数值。"),
    (
        r"(\d+) (?:city is|cities are) treated in every year used and cannot be compared\.",
        "{0} 个城市在所用各年均受处理,无从比较。",
    ),
    (
        r"diff-diff: Unbalanced panel detected \(some units are unobserved in some periods\)\.",
        "diff-diff:面板不平衡(有些城市缺某些年份)。",
    ),
    (
        r"Synthetic difference-in-differences needs every city in every year: (\d+) of (\d+) cities lack a year "
        r"\(first (\w+) in (\d+)\)\.",
        "合成 DID 要求每个城市各年俱全:{1} 个城市中有 {0} 个缺年份(首先是 {2} 缺 {3} 年)。",
    ),
    (
        r"Synthetic difference-in-differences needs (\d+) years before a start: the cohort of (\d+) has (\d+)\.",
        "合成 DID 要求开始前至少有 {0} 年:{1} 年的批次只有 {2} 年。",
    ),
    (
        r"Synthetic difference-in-differences needs two cities that are never treated; the rows hold (\d+)\.",
        "合成 DID 至少需要两个从未处理的城市,所用观测中有 {0} 个。",
    ),
    (
        r"A cohort has one city, and (\d+) cities never treated are too few for placebos of (\d+)\.",
        "有的批次只有一个城市,而 {0} 个从未处理的城市不足以做 {1} 个城市的安慰剂。",
    ),
    (
        r"Cohorts of one city: (\d+); their own noise is not in the standard errors\.",
        "只有一个城市的批次有 {0} 个,其自身的波动不在标准误之内。",
    ),
    (r"Standard errors by the jackknife over cities\.", "标准误由逐城刀切法得到。"),
    (
        r"Standard errors from (\d+) placebos among the cities never treated\.",
        "标准误来自从未处理城市中的 {0} 次安慰剂。",
    ),
    (r"Window from (\S+) to (\d+) years around the start\.", "窗口为试点前后第 {0} 年至第 {1} 年。"),
    (r"Cohorts without the whole window are left out: (.+)\.", "没有完整窗口的批次不计入:{0}。"),
    (r"The pooled effect is over event times 0 to (\d+)\.", "合并效应取第 0 年至第 {0} 年。"),
    (
        r"Cohorts that do not reach them all are left out of the pooled effect: (.+)\.",
        "未覆盖这些年份的批次不计入合并效应:{0}。",
    ),
    (
        r"No cohort and its controls have every year from (\S+) to (\d+) around a start\.",
        "没有批次及其对照在试点前后第 {0} 年至第 {1} 年俱全。",
    ),
    (r"Every city is treated in (.+), so these years are left out\.", "{0} 年所有城市均受处理,这些年份不用。"),
    (
        r"No city is never treated: the cohort of (\d+) is the comparison until its start\.",
        "没有从未处理的城市:以 {0} 年的批次在其开始前作对照。",
    ),
    (
        r"The cohort of (\d+) has no row in the year before its start and is measured from (\d+)\.",
        "{0} 年的批次在开始前一年没有观测,改以 {1} 年为基期。",
    ),
    (
        r"(\d+) cells of cohort and year have no comparison and are left out\.",
        "有 {0} 个批次—年份没有可比对象,不计入。",
    ),
    (
        r"(\d+) rows cannot determine (\d+) terms beside (\d+) fixed effects\.",
        "{0} 个观测不足以确定 {1} 个变量与 {2} 个固定效应。",
    ),
    (
        r"(\d+) changes of cities not yet treated cannot determine the slopes of (\d+) controls\.",
        "尚未处理城市的 {0} 个变化不足以确定 {1} 个控制变量的系数。",
    ),
    (r"The rows used hold one city, so there is no clustered error\.", "所用观测只有一个城市,没有聚类标准误。"),
    (r"The years have gaps: event time counts the years that there are\.", "年份有间断:事件时间按现有年份计。"),
    (r"No city of the sample changes its (\w+) treatment\.", "样本中没有城市的{0}状态发生变化。"),
    (r"No city treated in these years has a city to be compared with\.", "这些年份受处理的城市没有可比的城市。"),
    (
        r"No city of the sample '(\w+)' is treated by (\w+) in the rows used\.",
        "样本 {0} 所用的观测中没有城市受{1}处理。",
    ),
    (
        r"No city of the sample '(\w+)' changes its treatment by (\w+) against others within the years\.",
        "样本 {0} 中没有城市的{1}状态在这些年份内相对其他城市发生变化。",
    ),
    (
        r"(?:Every|No) city of the sample '(\w+)' is treated by (\w+), so there is nothing to match\.",
        "样本 {0} 的城市或全部受{1}处理、或全部未受处理,无从匹配。",
    ),
    (
        r"(\w+) holds numbers of the size (\S+), whose squares cannot be computed with; give it another unit\.",
        "{0}的数值量级为 {1},其平方无法计算,请换一个单位。",
    ),
    (
        r"A randomisation deals out start years, and (\w+) is not a policy\.",
        "随机化检验要重新分配起始年份,而{0}不是政策。",
    ),
    (
        r"The variant '(\S+)' chooses rows by the start: other starts cannot be dealt to these rows\.",
        "设定 {0} 按起始年份选取观测,无法对这些观测重新分配起始年份。",
    ),
    (r"(\w+) is collinear with the controls and the fixed effects\.", "{0}与控制变量和固定效应共线。"),
    (r"(\w+) is collinear with the other terms and the fixed effects\.", "{0}与其他变量和固定效应共线。"),
    (r"Matching needs a control that varies\.", "匹配需要有变化的控制变量。"),
    (
        r"The propensity scores of treated and control rows do not overlap\.",
        "处理组与对照组的倾向得分没有重叠。",
    ),
    (
        r"Double machine learning needs a control; without one the regression is the plain one\.",
        "双重机器学习需要控制变量;没有控制变量时即普通回归。",
    ),
    (r"(\d+) cities are too few for (\d+) folds of at least two cities\.", "{0} 个城市不足以分为 {1} 折。"),
    (r"There are too few clusters for (\d+) instruments\.", "聚类数不足以支持 {0} 个工具变量。"),
    (
        r"The controls and the fixed effects explain the instrument (\S+)\.",
        "控制变量与固定效应已解释工具变量 {0}。",
    ),
    (
        r"The sample '(\w+)' does not identify the effect of (\w+): no city of it changes treatment, or the other "
        r"terms explain it\.",
        "样本 {0} 不能识别{1}的效应:没有城市的处理状态发生变化,或已被其他变量解释。",
    ),
    (r"Every row is alone in its city or year, so that the fixed effects absorb it\.", "每一行都被固定效应吸收。"),
    (
        r"Left out as binned, because it is no single year: event times? (-?\d+)\.",
        "第 {0} 年为合并的一端,不是单独的一年,未计入。",
    ),
    (
        r"Left out as binned, because it is no single year: event times (-?\d+) and (-?\d+)\.",
        "第 {0} 年与第 {1} 年为合并的两端,不是单独的一年,未计入。",
    ),
    (
        r"Left out, because one treated city alone reaches it: event time ([-\d ]+)\.",
        "只有一个处理城市到达的年份未计入:{0}。",
    ),
    (
        r"The years used have gaps, so that event times are no consecutive years and their steps cannot be compared\.",
        "所用年份有间断,事件时间不是连续的年份,逐年差异无从比较。",
    ),
    (
        r"There is no lead of a single year before the reference, so that nothing shows trends\.",
        "基期之前没有单独一年的前期,趋势无从得知。",
    ),
    (r"There is no effect of a single year after the start\.", "政策实施后没有单独一年的效应。"),
    (
        r"There are too few clusters for a joint covariance of (\d+) event times: it is not positive definite\.",
        "聚类太少,{0} 个事件时间的联合协方差矩阵不是正定的。",
    ),
    (
        r"Sun and Abraham compare with never-treated cities, and there are none\.",
        "Sun 与 Abraham 的方法以从未处理的城市为对照,而样本中没有这样的城市。",
    ),
    (
        r"In some year every city is treated, so that nobody shows what would have happened\.",
        "某些年份所有城市都受处理,没有城市能表明无政策时的情形。",
    ),
    (r"The rows used hold one cluster, so there is no clustered covariance\.", "所用观测只有一个聚类,没有聚类协方差。"),
    (
        r"(\d+) of the (\d+) cities in the rows used have no coordinates: (.+)\.",
        "所用观测的 {1} 个城市中有 {0} 个没有坐标:{2}。",
    ),
    (
        r"(\d+) of the (\d+) cities that the sample holds or (\w+) treats have no coordinates: (.+)\.",
        "样本内或受{2}处理的 {1} 个城市中有 {0} 个没有坐标:{3}。",
    ),
    (
        r"The kernel makes the variance zero or negative at this distance: there is no error\.",
        "在此距离上核函数使方差为零或为负,没有标准误。",
    ),
    (
        r"Untreated city-years within (\d+) kilometres of a city treated by (\w+), left out and counted as missing: "
        r"(\d+)\.",
        "{1}:剔除距试点城市 {0} 公里之内的未试点城市—年份 {2} 个,计入缺失。",
    ),
    (
        r"No city-year has its treated neighbours (\d+) to (\d+) kilometres away\.",
        "没有城市—年份的邻近试点城市在 {0} 至 {1} 公里之间。",
    ),
    (
        r"The terms of the neighbours explain (\w+): no untreated city is far enough from the treated ones\.",
        "邻近城市各项已解释{0}:没有未试点城市离试点城市足够远。",
    ),
    (r"No city has a neighbour, or the residuals are zero\.", "没有城市有邻居,或残差为零。"),
    (r"The regression leaves no residual\.", "回归没有残差。"),
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
