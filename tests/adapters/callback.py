"""The LiteLLM callback of the documentation, loaded where LiteLLM is not installed."""

import importlib.util
import sys
import types
from pathlib import Path

CALLBACK = Path(__file__).parents[2] / "docs" / "litellm_callback.py"


def load_callback(monkeypatch):
    """The callback; of LiteLLM's it needs a base class with no more than a constructor."""
    logger = types.ModuleType("litellm.integrations.custom_logger")
    logger.CustomLogger = type("CustomLogger", (), {})
    monkeypatch.setitem(sys.modules, "litellm.integrations.custom_logger", logger)
    for name in ("litellm", "litellm.integrations"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    spec = importlib.util.spec_from_file_location("litellm_callback", CALLBACK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.revenuer
