"""A specification with everything in it, and what is wrong with one."""

import pytest
from yanmen.formats import spec
from yanmen.model.refusal import Reason, Refused

GOOD = """\
# 化验
name = "labs"
title_zh = "化验"
title_en = "Laboratory values"
owner = "卫健委"
region = "140100"
registration = "晋-0001"
ndi_id = "691140100MA0GTTTT0X1401000000ZZS"
source_system = "HIS"
authority = "统计职责"
update_cycle = "monthly"
quality = "B"
rights = ["hold", "use"]
class = "personal"
grade = "general"
sharing = "conditional"
sharing_reason = "涉及个人"
legal_basis = "《数据安全法》"
channels = ["sharing", "authorised-operation"]
subject_space = "persons"
rows_per_unit = 20
groups_per_unit = 5
rows_upto = 500000
price_ceiling_fen = 500

[columns.person]
type = "integer"
role = "unit"

[columns.test]
type = "text"
role = "key"
domain = [
  "ALT",  # multi-line
  "AST",
]
title_zh = "项目"

[columns.value]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 999.99

[columns.taken]
type = "date"
role = "key"
domain = [2020-01-01, 2020-01-02]
source_name = "Taken on"

[columns."姓名"]
role = "hidden"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        spec.decode(text.encode())
    assert caught.value.reason is Reason.SPEC_INVALID
    clauses = list(caught.value.detail.clauses)
    assert clauses
    assert all("（" in clause for clause in clauses)
    return [clause.split("（", 1)[0] for clause in clauses]


def line_of(text: str, start: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if line.startswith(start))
