"""How it samples: lengths, caps, candidates, log-probabilities, temperature."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import F64


@feature(
    "output_input_ratio",
    "ratio",
    "output tokens over input tokens",
    ("output_tokens", "input_tokens"),
    "long answers to short questions",
)
def output_input_ratio(v: View) -> F64:
    """Over the window."""
    return v.pooled.tokens[:, 1] / np.maximum(v.pooled.tokens[:, 0], 1)


@feature("mean_input_tokens", "tokens", "input tokens over requests", ("input_tokens",), "long contexts")
def mean_input_tokens(v: View) -> F64:
    """Over the window."""
    return v.pooled.tokens[:, 0] / np.maximum(v.count("requests"), 1.0)


@feature("mean_output_tokens", "tokens", "output tokens over requests", ("output_tokens",), "long answers")
def mean_output_tokens(v: View) -> F64:
    """Over the window."""
    return v.pooled.tokens[:, 1] / np.maximum(v.count("requests"), 1.0)


@feature(
    "max_tokens_saturation", "share", "answers cut off or within 5 % of max_tokens", ("max_tokens",), "takes all it can"
)
def max_tokens_saturation(v: View) -> F64:
    """Of requests that state a maximum."""
    return np.minimum(v.share("saturated", "max_tokens_known"), 1.0)


@feature("n_gt1_share", "share", "requests for more than one candidate", ("n",), "several samples a prompt")
def n_gt1_share(v: View) -> F64:
    """`n` > 1."""
    return v.share("n_gt1")


@feature("logprobs_share", "share", "requests with logprobs or top_logprobs", ("top_logprobs",), "soft labels")
def logprobs_share(v: View) -> F64:
    """The classic distillation target (Hinton et al. 2015)."""
    return v.share("logprobs")


@feature("temperature_hot_share", "share", "temperature ≥ 0.9 where stated", ("temperature",), "samples for variety")
def temperature_hot_share(v: View) -> F64:
    """Weak alone: many clients state 1."""
    return v.share("temperature_hot", "temperature_known")


@feature(
    "empty_prompt_share",
    "share",
    "user turns of at most one word",
    ("prompt",),
    "the model writes question and answer itself",
)
def empty_prompt_share(v: View) -> F64:
    """Seedless synthesis."""
    return v.share("empty")


@feature("embeddings_share", "share", "operation embeddings", ("operation",), "feature distillation")
def embeddings_share(v: View) -> F64:
    """Of all requests."""
    return v.share("embeddings")


@feature("json_share", "share", "response_format other than text", ("response_format",), "structured output")
def json_share(v: View) -> F64:
    """Of all requests."""
    return v.share("json")


@feature("reasoning_share", "share", "answers with reasoning tokens", ("reasoning_tokens",), "asks for reasoning")
def reasoning_share(v: View) -> F64:
    """Of all requests."""
    return v.share("reasoning")


@feature("system_prompt_share", "share", "requests with a system prompt", ("system_prompt",), "a product")
def system_prompt_share(v: View) -> F64:
    """Of all requests."""
    return v.share("system")
