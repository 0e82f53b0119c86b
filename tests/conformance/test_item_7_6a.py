"""7.6a 数据使用环境: use happens in an environment the node makes, proves to be closed, and names in each receipt."""

from tests.conformance.department import Department
from tests.system.town import done


def test_the_environment_is_probed_before_the_node_serves(department: Department) -> None:
    found = done("check", "sandbox", "--verbose")
    layers = " ".join(found["layers"])
    for layer in ("landlock", "seccomp", "memory", "cpu"):
        assert layer in layers, layer
    assert f'"profile": "{found["digest"]}"' in department.log(), "the serving node said which it is, after its probes"


def test_each_use_names_the_environment_it_was_in(department: Department) -> None:
    with department.connect() as node:
        answer = node.query("SELECT count(*) AS n FROM wards", contract=department.opened())
    sandbox = answer.receipt.says["sandbox"]
    assert isinstance(sandbox, dict)
    assert sandbox["profile"] == done("check", "sandbox")["digest"]
    assert isinstance(answer.receipt.says["meter"], dict), "and what it took there"
