"""Code tables of the national catalogue description (NDI-TR-2025-06 draft, §7.1 and §8.2): code to 中文 and English.

The draft prints tables without the rows of GB/T 4754; industries are therefore not here.
"""

from collections.abc import Mapping

Codes = Mapping[str, tuple[str, str]]

ACQUISITION: Codes = {
    "001": ("原始取得", "original acquisition"),
    "002": ("收集取得", "collected acquisition"),
    "003": ("交易取得", "transaction-based acquisition"),
    "004": ("其他", "other"),
}
"""表2 数据资源来源."""

DELIVERY: Codes = {
    "001": ("数据集", "dataset"),
    "002": ("API产品", "API product"),
    "003": ("数据应用", "data application"),
    "004": ("数据报告", "data report"),
    "005": ("数据对象", "data object"),
    "006": ("其他", "other"),
}
"""表3 数据产品交付形式."""

UPDATE: Codes = {
    "001": ("实时", "real time"),
    "002": ("每日", "daily"),
    "003": ("每周", "weekly"),
    "004": ("每月", "monthly"),
    "005": ("每季度", "quarterly"),
    "006": ("每半年", "semiannual"),
    "007": ("每年", "annual"),
    "008": ("不定期", "irregular"),
    "009": ("历史存量", "historical"),
}
"""表4 数据更新频率."""

QUALITY: Codes = {
    "001": ("A级", "level A"),
    "002": ("B级", "level B"),
    "003": ("C级", "level C"),
    "004": ("D级", "level D"),
}
"""表5 数据质量等级; the letter is the last character of the English name."""

SECURITY: Codes = {
    "001": ("1级", "level 1: public"),
    "002": ("2级", "level 2: internal"),
    "003": ("3级", "level 3: sensitive"),
    "004": ("4级", "level 4: confidential"),
    "005": ("5级", "level 5: top secret"),
}
"""表6 数据安全等级."""

TOPIC: Codes = {
    "A0100": ("人口数据", "population"),
    "A0200": ("法人单位数据", "legal entities"),
    "A0300": ("自然资源和空间地理数据", "natural resources and geography"),
    "A0400": ("宏观经济数据", "macroeconomy"),
    "A0500": ("科技教育数据", "science and education"),
    "B0100": ("农业农村数据", "agriculture"),
    "B0200": ("工业和信息化数据", "industry and information technology"),
    "B0300": ("交通运输数据", "transport"),
    "B0400": ("商业贸易数据", "commerce"),
    "B0500": ("金融保险数据", "finance and insurance"),
    "C0100": ("教育文化数据", "education and culture"),
    "C0200": ("医疗卫生数据", "health care"),
    "C0300": ("社会保障数据", "social security"),
    "C0400": ("住房城建数据", "housing and urban construction"),
    "C0500": ("生态环境数据", "environment"),
    "D0100": ("行政审批数据", "administrative approval"),
    "D0200": ("公共服务数据", "public services"),
    "D0300": ("监管执法数据", "supervision and enforcement"),
    "D0400": ("信用数据", "credit"),
    "D0500": ("应急管理数据", "emergency management"),
}
"""§8.2.2 主题分类, the middle level."""

SCENE: Codes = {
    "S0100": ("宏观决策", "macro decisions"),
    "S0200": ("执法监管", "enforcement"),
    "S0300": ("公共管理", "public administration"),
    "S0400": ("社会治理", "social governance"),
    "T0100": ("教育服务", "education"),
    "T0200": ("医疗健康", "health"),
    "T0300": ("社会保障", "social security"),
    "T0400": ("文化旅游", "culture and tourism"),
    "U0100": ("产业规划", "industrial planning"),
    "U0200": ("科技创新", "innovation"),
    "U0300": ("市场监测", "market monitoring"),
    "U0400": ("投资分析", "investment analysis"),
    "V0100": ("公共安全", "public safety"),
    "V0200": ("自然灾害", "natural disasters"),
    "V0300": ("事故灾难", "accidents"),
    "V0400": ("社会安全", "social security incidents"),
}
"""§8.2.5 应用场景分类, the middle level."""

TABLES: Mapping[str, Codes] = {
    "topic": TOPIC,
    "scene": SCENE,
    "acquisition": ACQUISITION,
    "delivery": DELIVERY,
    "update": UPDATE,
    "security": SECURITY,
}
"""The coded members of a description, by their names."""


def meaning(table: str, code: str) -> str:
    """Return `code` of a table as a person reads it, "" for none."""
    if not code:
        return ""
    zh, en = TABLES[table][code]
    return f"{code} {zh} {en}"


def quality(letter: str) -> str:
    """Return the code of 表5 for the grade A, B, C or D."""
    return next(code for code, (_, en) in QUALITY.items() if en.endswith(letter))
