"""Are the outputs used? Turns that follow, tools that answer."""

from detector.profiles.features.base import View, feature
from detector.profiles.layout import F64


@feature("multi_turn_share", "share", "requests with earlier turns", ("n_messages",), "somebody goes on talking")
def multi_turn_share(v: View) -> F64:
    """A system message is no turn."""
    return v.share("multi_turn")


@feature(
    "tool_result_share", "share", "requests that carry tool results", ("n_tool_results",), "answers are acted upon"
)
def tool_result_share(v: View) -> F64:
    """From `messages`."""
    return v.share("tool_result")


@feature("tool_offer_share", "share", "requests that offer tools", ("tools",), "agentic use")
def tool_offer_share(v: View) -> F64:
    """Of all requests."""
    return v.share("tool_offer")


@feature("tool_call_share", "share", "answers that call a tool", ("tool_calls",), "agentic use")
def tool_call_share(v: View) -> F64:
    """Of all requests."""
    return v.share("tool_call")
