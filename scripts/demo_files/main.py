"""The main job, end to end: three departments, real data, from nothing to verified receipts."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo_files import prepare, story
from demo_files.stage import Stage
from demo_files.story import Story
from demo_files.town import DEPARTMENTS, MEMBERS, Town

INTRODUCTION = """雁门 Yanmen demo. Stand-in data 替代数据: real de-identified patients of the R survival package
(nafld1/2/3), firms of the R plm package, GB/T 2260 codes of python-stdnum. Nothing comes from a Chinese authority."""


def main() -> int:
    """Run the demo and return its exit code."""
    arguments = read_arguments()
    stage = Stage(as_json=arguments.json)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="yanmen-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    town = Town(folder, stage)
    try:
        if build(town, stage):
            ask(Story(town, stage), stage)
            if not arguments.keep:
                stage.step("stop the nodes 停止节点", "every node ends with exit code 0", town.stop)
            check(Story(town, stage), stage)
        return stage.finish()
    finally:
        leave(town, stage, keep=arguments.keep, named=arguments.folder is not None)


def read_arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document: every step, expectation, outcome")
    parser.add_argument("--keep", action="store_true", help="leave the nodes up and print commands to talk to them")
    parser.add_argument("--folder", type=Path, help="work in this new folder and leave it there")
    return parser.parse_args()


def build(town: Town, stage: Stage) -> bool:
    """Make the space, its nodes and members, and publish; False when there is nothing to ask."""
    stage.say(INTRODUCTION)
    stage.part("space, departments, members 空间、部门、成员")
    good = stage.step("read the real tables 读取真实数据", "five files", lambda: sources(town))
    good &= stage.step("make the space 建立空间", "a root, a register", town.found)
    for department in DEPARTMENTS:
        title = f"{department.name} joins 接入"
        good &= stage.step(title, "a 32-character connector id", lambda department=department: town.join(department))
    for alias, name, role, digit in MEMBERS:
        who = (alias, name, role, digit)
        good &= stage.step(f"enrol {name} ({role})", "a connector id", lambda who=who: town.enrol(*who))
    stage.part("catalogue 目录")
    title = "a draft must be confirmed by a person 草稿须经人确认"
    good &= stage.step(title, "SPEC_UNCONFIRMED", town.unconfirmed)
    for department in DEPARTMENTS:
        for each in department.datasets:
            work = (department, *each)
            title = f"{department.alias} publishes 发布 {each[0]}"
            good &= stage.step(title, "a sealed snapshot", lambda work=work: town.publish(*work))
    stage.part("nodes 节点")
    for department in DEPARTMENTS:
        title = f"serve {department.name}"
        good &= stage.step(title, "listening with mTLS", lambda department=department: town.serve(department))
    good &= stage.step("three aggregators 聚合方 join and serve", "listening with mTLS", town.aggregators)
    return good


def sources(town: Town) -> tuple[bool, str]:
    """Write the five source files."""
    folder = Path(town.path("sources"))
    folder.mkdir()
    for write in (prepare.persons, prepare.laboratory, prepare.diagnoses, prepare.enterprises, prepare.divisions):
        write(folder)
    names = sorted(path.name for path in folder.iterdir())
    return len(names) == 5, ", ".join(names)


def ask(told: Story, stage: Stage) -> None:
    """Make contracts, ask, be refused, attack, cancel."""
    step = stage.step
    stage.part("contracts 数字合约")
    residents = ("residents", "civil", "nafld1:age,bmi,id,male,status", 500, *story.JOINABLE)
    step("approved by the owner's rule 规则批准", "active at once", lambda: told.by_rule(*residents))
    step("approved by persons 人工批准", "pending, then active with two names and three reasons", told.by_person)
    diagnoses = ("diagnoses", "insurance", "nafld3:days,event,id", 800, *story.JOINABLE)
    step("diagnoses, by rule", "active", lambda: told.by_rule(*diagnoses))
    employers = ("employers", "insurance", "enterprises:emp,firm,sector,year", 200)
    step("enterprises, by rule", "active", lambda: told.by_rule(*employers))
    counties = ("counties", "civil", "divisions:code,name,province", 0)
    step("divisions, by rule", "active", lambda: told.by_rule(*counties))
    stage.part("questions that are answered 可答之问")
    for title, at, contract, sql in (
        ("residents by age band 民政", "civil", "residents", story.RESIDENTS),
        ("laboratory means 卫健", "health", "labs", story.CHOLESTEROL),
        ("commonest diagnoses 医保", "insurance", "diagnoses", story.DIAGNOSES),
        ("hypertension with diabetes 医保 (join)", "insurance", "diagnoses", story.COMORBID),
        ("employers by sector (exact, k = 10)", "insurance", "employers", story.EMPLOYERS),
        ("divisions of Shanxi (open)", "civil", "counties", story.COUNTIES),
    ):
        question = (at, contract, sql)
        step(
            title, "explain quotes ± and price; the answer has them", lambda question=question: told.answered(*question)
        )
    step("the same question again 重复提问", "the same answer, no charge", told.repeated)
    stage.part("one question of three departments 三部门联合提问")
    title = "laboratory means of the chronically ill, by age band 民政 × 卫健 × 医保 (join)"
    step(title, "as quoted, near the plain figures; no department sees another's persons", told.joined)
    refusals(told, stage)
    stage.part("attack and cancel 攻击与终止")
    step("single out one person by differencing 差分攻击", "the noise hides the person", told.differencing)
    step("stop a running question 终止运行中的查询", "CANCELLED within 2 s, receipted", told.cancelled)


def refusals(told: Story, stage: Stage) -> None:
    """Ask what must be refused, each for another reason."""
    stage.part("questions that are refused 拒绝之问")
    for title, sql, reason in (
        ("rows 逐行数据", "SELECT * FROM nafld1", "ROWS_WOULD_LEAVE"),
        ("a column outside the contract 合约外的列", "SELECT avg(weight) AS w FROM nafld1", "COLUMN_NOT_IN_CONTRACT"),
        ("tables of two nodes 跨节点连接", story.ACROSS, "CROSS_NODE_JOIN"),
        ("a file 读文件", "SELECT count(*) FROM read_csv('/etc/passwd')", "CLAUSE_NOT_ADMITTED"),
        ("two statements", "SELECT count(*) FROM nafld1; DROP TABLE nafld1", "NOT_ONE_SELECT"),
        ("malformed SQL", "SELEKT 1", "SQL_MALFORMED"),
    ):
        question = ("civil", "residents", sql, reason)
        stage.step(title, reason, lambda question=question: told.refused(*question))
    stage.step("an expired contract 过期合约", "CONTRACT_EXPIRED", told.expired)
    stage.step("a spent budget 预算用尽", "one answer, then BUDGET_SPENT", told.spent)
    stage.step("a revoked contract 已终止合约", "CONTRACT_REVOKED", told.revoked)


def check(told: Story, stage: Stage) -> None:
    """Be the auditor: files only."""
    stage.part("the auditor, offline 审计方离线核验")
    stage.step("verify every receipt 核验全部回执", "all hold", told.audited)
    stage.step("alter one receipt 改动一份回执", "found and named", told.altered)
    stage.step("delete one refusal 删除一次拒绝", "found and named", told.deleted)


def leave(town: Town, stage: Stage, *, keep: bool, named: bool) -> None:
    """Leave nothing behind, or say how to go on."""
    if keep:
        pids = " ".join(str(process.pid) for process in town.processes.values())
        stage.say(f"\nThe nodes are up; everything is in {town.folder}. Talk to them:")
        stage.say(f"  .venv/bin/yanmen dataset list --as {town.path('datalab')} --at civil")
        stage.say(f"  .venv/bin/yanmen contract list --as {town.path('datalab')} --at civil")
        stage.say(f"  .venv/bin/yanmen query --as {town.path('datalab')} --at civil --contract ID 'SELECT …'")
        stage.say(f"  kill {pids}    # stops them")
        return
    town.stop()
    if not named:
        shutil.rmtree(town.folder)


if __name__ == "__main__":
    sys.exit(main())
