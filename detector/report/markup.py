"""HTML by construction: text is escaped unless it was made here, so a hostile skeleton cannot become markup."""

from html import escape

Attribute = str | float | bool | None

VOID = frozenset({"br", "col", "hr", "link", "meta"})

# Control characters break parsers; bidirectional overrides let text pose as other text.
_UNSAFE = dict.fromkeys(
    [*range(9), 11, 12, *range(13, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�"
)


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Child = Html | str | float | None


def text(value: object) -> Html:
    """Any value as escaped text, without control characters, direction overrides or lone surrogates."""
    if isinstance(value, Html):
        return value
    clean = str(value).translate(_UNSAFE).encode("utf-8", "replace").decode("utf-8")
    return Html(escape(clean, quote=True))


def join(*children: Child) -> Html:
    """Markup of several children, one after the other; None leaves nothing."""
    return Html("".join(text(child) for child in children if child is not None))


def h(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """One element.

    Args:
        name: the element's name.
        children: what is inside; plain strings are escaped, None leaves nothing.
        attributes: by name; `class_` is class, `data_tip` is data-tip; None and False leave the attribute out.

    Returns:
        The element, opened and closed.
    """
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in VOID:
        return Html(opening)
    return Html(f"{opening}{join(*children)}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    shown = "" if value is True else f"{value:.6g}" if isinstance(value, float) else value
    return f' {key.rstrip("_").replace("_", "-")}="{text(shown)}"'
