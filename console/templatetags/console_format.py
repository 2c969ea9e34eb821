"""How pages write money, counts, durations and instants.

What is shown is short; the exact value stands in the ``title`` and in the element's
machine-readable attribute.
"""

from datetime import UTC, datetime, timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batchrouter.kit.clock import iso
from batchrouter.kit.money import NANO_PER_USD, format_usd

register = template.Library()

NOTHING = "—"
# Amounts from one dollar up show cents, smaller ones hundredths of a cent, and those
# below that their first two digits.
_CENT = NANO_PER_USD // 100
_FINE = NANO_PER_USD // 10_000


@register.filter
def money(nanousd: int | None) -> SafeString | str:
    """Write an amount of nano-dollars in dollars, rounded for the eye."""
    if nanousd is None:
        return NOTHING
    exact = format_usd(nanousd)
    return format_html(
        '<data class="money" value="{}" title="{} USD">{}</data>',
        exact,
        exact,
        dollars(nanousd),
    )


@register.filter
def money_change(nanousd: int) -> SafeString | str:
    """Write a gain or a loss with its sign; nothing where there is none."""
    if nanousd == 0:
        return NOTHING
    exact, shown = format_usd(abs(nanousd)), dollars(abs(nanousd))
    sign = "+" if nanousd > 0 else "\N{MINUS SIGN}"
    return format_html(
        '<data class="money" value="{}" title="{}{} USD">{}{}</data>',
        format_usd(nanousd),
        sign,
        exact,
        sign,
        shown,
    )


def dollars(nanousd: int) -> str:
    """Round nano-dollars for the eye, half up."""
    size = abs(nanousd)
    sign = "\N{MINUS SIGN}" if nanousd < 0 else ""
    step = _step(size)
    rounded = (size + step // 2) // step * step
    whole, _, digits = format_usd(rounded).partition(".")
    return f"{sign}${int(whole):,}.{digits}"


def _step(size: int) -> int:
    if size >= NANO_PER_USD or size == 0:
        return _CENT
    if size >= _FINE:
        return _FINE
    return int(10 ** max(0, len(str(size)) - 2))


@register.filter
def tokens(count: int) -> SafeString:
    """Write a count of tokens: whole below 10,000, then in thousands and millions."""
    return format_html(
        '<data value="{}" title="{} tokens">{}</data>',
        count,
        f"{count:,}",
        _short_count(count),
    )


def _short_count(count: int) -> str:
    if count < 10_000:
        return f"{count:,}"
    if count < 1_000_000:
        return f"{count // 1000:,}K"
    tenths = count // 100_000
    return f"{tenths // 10:,}.{tenths % 10}M" if tenths % 10 else f"{tenths // 10:,}M"


@register.filter
def count(number: int) -> str:
    """Write a whole number with thousands set apart."""
    return f"{number:,}"


@register.filter
def moment(instant: datetime | None) -> SafeString | str:
    """Write an instant by day and minute, in UTC; js/times.js writes the reader's."""
    if instant is None:
        return NOTHING
    utc = instant.astimezone(UTC)
    return format_html(
        '<time data-moment datetime="{}" title="{}">{}</time>',
        iso(instant),
        utc.strftime("%Y-%m-%d %H:%M:%S UTC"),
        f"{utc.day} {utc.strftime('%b %Y, %H:%M')}",
    )


@register.filter
def duration(span: timedelta | None) -> SafeString | str:
    """Write a length of time by its two largest units."""
    if span is None:
        return NOTHING
    seconds = max(0, int(span.total_seconds()))
    return format_html(
        '<time datetime="PT{}S" title="{} seconds">{}</time>',
        seconds,
        f"{seconds:,}",
        spell_seconds(seconds),
    )


@register.filter
def latency(span: timedelta | None) -> SafeString | str:
    """Write a short length of time: to the tenth of a second below a minute."""
    if span is None:
        return NOTHING
    seconds = max(0.0, span.total_seconds())
    if seconds >= 60:
        return duration(span)
    return format_html(
        '<time datetime="PT{}S" title="{} ms">{} s</time>',
        f"{seconds:.3f}",
        f"{round(1000 * seconds):,}",
        f"{seconds:.1f}",
    )


def spell_seconds(seconds: int) -> str:
    """Spell whole seconds by the two largest units that are not zero."""
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    parts = []
    rest = seconds
    for size, name in units:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {name}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"


@register.filter
def bps_percent(bps: int) -> str:
    """Write hundredths of a percent as percent."""
    whole, rest = divmod(bps, 100)
    digits = f"{rest:02d}".rstrip("0")
    return f"{whole}.{digits} %" if digits else f"{whole} %"
