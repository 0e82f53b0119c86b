"""The usage control of an offer, a heartbeat and a notice, for the examples in docs/FORMATS.md."""

from yanmen.formats import usage_control
from yanmen.formats.heartbeat import Heartbeat
from yanmen.formats.json_canonical import Json
from yanmen.formats.notice import Notice, Occasion
from yanmen.model.usage_control import Action, Constraint, Control, Operator, Rules

from tests.vectors import specimen

RULES = Rules(
    permitted=(Action.PROCESS,),
    prohibited=(Action.DOWNLOAD,),
    obliged=(Action.LOG_RECORD_SEND,),
    controls=(
        Control(Constraint.TIME_WINDOW, Operator.IS_A, ("1-5 08:00/18:00",)),
        Control(Constraint.FREQUENCY, Operator.LTEQ, ("10/PT1M",)),
    ),
)


def example() -> Json:
    """Return what these rules add to an offer."""
    return {
        "constraint": usage_control.encode_controls(RULES.controls),
        "obligation": usage_control.encode_actions(RULES.obliged),
        "permission": usage_control.encode_actions(RULES.permitted),
        "prohibition": usage_control.encode_actions(RULES.prohibited),
    }


def beat() -> Heartbeat:
    """Return a node's first beat."""
    return Heartbeat(specimen.NODE, specimen.START_S * 1000, 1, connected=True, origin=specimen.ORIGIN, leaves=21, running=0)


def told() -> Notice:
    """Return what the authority is told of an incident."""
    head = f"{specimen.ORIGIN}\n21\n…"
    case = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    at_ms = specimen.START_S * 1000
    return Notice(specimen.NODE, "authority", Occasion.OPENED, case, 20, at_ms, head, "疑似重识别", ("dataset persons",))
