"""The log of what operators do in the admin.

The note commits before the view runs, in a transaction of its own: an action that
fails half-way, or takes the process with it, is still told.
"""

from datetime import datetime

from django.http import HttpRequest

from accounts.adapter import client_ip
from accounts.models import OperatorAction, User

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_PATH_CHARACTERS = 400
_ACTION_CHARACTERS = 80
_REASON_CHARACTERS = 300
# The field of a form whose value is kept, because it says why.
REASON_FIELD = "operator_reason"
# More than one page of a list can choose.
_MOST_NAMES = 200
_NAME_CHARACTERS = 80
# What every form of the admin carries.
_OF_THE_FORM = frozenset(
    {"csrfmiddlewaretoken", "action", "_selected_action", "select_across", "index"}
)
_BUTTONS = ("_save", "_addanother", "_continue", "_saveasnew", "_popup")


def begin(request: HttpRequest, operator: User, *, now: datetime) -> OperatorAction:
    """Note what an operator is about to do."""
    return OperatorAction.objects.create(
        operator=operator,
        at=now,
        ip=client_ip(request),
        request_id=getattr(request, "request_id", ""),
        path=request.path[:_PATH_CHARACTERS],
        action=_plain(_action_of(request), _ACTION_CHARACTERS),
        objects_chosen=_short(request.POST.getlist("_selected_action")),
        fields=_short(sorted(set(request.POST) - _OF_THE_FORM)),
        reason=_plain(request.POST.get(REASON_FIELD, ""), _REASON_CHARACTERS),
    )


def finish(noted: OperatorAction, *, status: int) -> None:
    """Note how it was answered; the first answer stands."""
    OperatorAction.objects.filter(pk=noted.pk, status=None).update(status=status)


def _action_of(request: HttpRequest) -> str:
    """Name what is done: the chosen action of a list, or the pressed button."""
    if chosen := request.POST.get("action"):
        return chosen
    pressed = next((name for name in _BUTTONS if name in request.POST), "")
    return pressed.lstrip("_") or request.method or ""


def _short(names: list[str]) -> list[str]:
    return [_plain(name, _NAME_CHARACTERS) for name in names[:_MOST_NAMES]]


def _plain(text: str, characters: int) -> str:
    """Cut it, without the NUL that PostgreSQL refuses."""
    return text.replace("\0", "")[:characters]
