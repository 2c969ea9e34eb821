"""Doors of the operators' own pages."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from batches.stuck import stuck_page
from batchrouter.kit import clock
from catalog.switches import sanction_provider, switch_offering, switch_provider
from console.operators.access import operator_page, require
from console.operators.dashboard import show_dashboard
from console.operators.forms import ProviderSwitchForm, SwitchForm
from console.operators.lanes import LanePage, lane_page, lane_table
from console.operators.providers import ProviderPage, provider_page
from console.operators.stuck import show_stuck

_SWITCHING = "catalog.change_offering"
_SWITCHING_PROVIDERS = "catalog.change_provider"
_MONEY = "billing.view_ledgertransaction"


@require_safe
@operator_page("batches.view_batch")
def dashboard(request: HttpRequest) -> HttpResponse:
    """GET /admin/dashboard/: the market at a glance."""
    shown = show_dashboard(now=clock.now(), with_money=request.user.has_perm(_MONEY))
    return render(request, "operators/dashboard.html", {"board": shown})


@require_safe
@operator_page("batches.view_batch")
def stuck(request: HttpRequest) -> HttpResponse:
    """GET /admin/stuck/: what stands still, and why."""
    found = stuck_page(now=clock.now(), after=request.GET.get("after", ""))
    shown = show_stuck(found, request.GET)
    return render(request, "operators/stuck.html", {"stuck": shown})


@require_safe
@operator_page("routing.view_lane")
def lane_list(request: HttpRequest) -> HttpResponse:
    """GET /admin/lanes/: how each lane fares."""
    shown = lane_table(request.GET, now=clock.now())
    return render(request, "operators/lanes.html", {"table": shown})


@require_safe
@operator_page("routing.view_lane")
def lane_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /admin/lanes/{pk}/: all that is known of a lane, and its switch."""
    return _lane(request, pk, SwitchForm())


@require_POST
@operator_page("routing.view_lane")
def lane_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /admin/lanes/{pk}/switch/: the kill switch; the log keeps the reason."""
    require(request, _SWITCHING)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return _lane(request, pk, form)
    is_on = form.cleaned_data["action"] == "switch_on"
    if not switch_offering(_found(pk).pk, is_on=is_on):
        messages.info(request, f"The lane was {'on' if is_on else 'off'} already.")
    elif is_on:
        messages.success(request, "The lane is on: it gets work from now on.")
    else:
        messages.success(
            request,
            "The lane is off: it gets no new work. Calls under way end, provider jobs "
            "are collected, and everything else moves to other lanes.",
        )
    return redirect("operators-lane", pk=pk)


def _lane(request: HttpRequest, pk: int, form: SwitchForm) -> HttpResponse:
    context = {
        "lane": _found(pk),
        "form": form,
        "may_switch": request.user.has_perm(_SWITCHING),
    }
    return render(request, "operators/lane.html", context, status=form.status)


def _found(pk: int) -> LanePage:
    shown = lane_page(pk, now=clock.now())
    if shown is None:
        raise Http404("There is no such lane.")
    return shown


@require_safe
@operator_page("routing.view_lane")
def provider_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /admin/providers/{pk}/: a provider's lanes, and its switch."""
    return _provider(request, pk, ProviderSwitchForm())


@require_POST
@operator_page("routing.view_lane")
def provider_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /admin/providers/{pk}/switch/: off, on, sanctioned or not any more."""
    require(request, _SWITCHING_PROVIDERS)
    form = ProviderSwitchForm(request.POST)
    if not form.is_valid():
        return _provider(request, pk, form)
    action = form.cleaned_data["action"]
    if _PROVIDER_SWITCHES[action](_found_provider(pk).pk):
        messages.success(request, _PROVIDER_IS[action])
    else:
        messages.info(request, "It was so already.")
    return redirect("operators-provider", pk=pk)


_PROVIDER_SWITCHES = {
    "switch_on": partial(switch_provider, is_on=True),
    "switch_off": partial(switch_provider, is_on=False),
    "sanction": partial(sanction_provider, is_sanctioned=True),
    "lift_sanction": partial(sanction_provider, is_sanctioned=False),
}
_PROVIDER_IS = {
    "switch_on": "The provider is on: its lanes get work from now on.",
    "switch_off": "The provider is off: none of its lanes gets new work. Calls under "
    "way end, provider jobs are collected, and everything else moves to other lanes.",
    "sanction": "The provider is sanctioned: none of its lanes gets new work.",
    "lift_sanction": "The sanction is lifted.",
}


def _provider(request: HttpRequest, pk: int, form: ProviderSwitchForm) -> HttpResponse:
    context = {
        "provider": _found_provider(pk),
        "form": form,
        "may_switch": request.user.has_perm(_SWITCHING_PROVIDERS),
    }
    return render(request, "operators/provider.html", context, status=form.status)


def _found_provider(pk: int) -> ProviderPage:
    shown = provider_page(pk, now=clock.now())
    if shown is None:
        raise Http404("There is no such provider.")
    return shown
