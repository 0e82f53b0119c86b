"""The catalogue entry of docs/FORMATS.md."""

from yanmen.formats import connector_id, declared, spec
from yanmen.model.governance import Listing

from tests.vectors import specimen as made

SPEC = """
name = "persons"
title_zh = "常住人口"
title_en = "Residents"
owner = "省卫健委"
region = "140000"
registration = "晋登2026-000017"
ndi_id = "791140100MA0GTTTT0X1401A1B2C3D4%s"
source_system = "全员人口库"
authority = "人口健康信息管理"
update_cycle = "monthly"
quality = "B"
rights = ["hold", "use"]
class = "personal"
grade = "general"
sharing = "conditional"
sharing_reason = "涉及个人信息"
legal_basis = "个人信息保护法"
channels = ["sharing", "authorised-operation"]
subject_space = "residents"
rows_per_unit = 1
groups_per_unit = 1
rows_upto = 100000
price_ceiling_fen = 120

[catalogue]
topic = "A0100"
scene = "T0200"
acquisition = "001"
delivery = "002"
update = "004"
security = "003"
item = "常住人口基本信息"
abstract_zh = "全省常住人口，按市与年龄段"
abstract_en = "Residents of the province, by city and age band"
keywords = ["人口", "population"]

[columns.person_id]
type = "text"
role = "unit"

[columns.city]
type = "text"
role = "key"
domain = ["太原", "大同"]
title_zh = "市"
title_en = "city"
""" % connector_id.check_character("791140100MA0GTTTT0X1401A1B2C3D4")


def listed() -> Listing:
    """Return what the node lists."""
    return Listing(made.NODE, declared.public(spec.decode(SPEC.encode())), "v2", ("v1",), "AAB", made.START_S)
