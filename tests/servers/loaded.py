"""What a service loads before it serves and with its first records: modules, and kernels out of their cache.

Imported by the process that services are forked from. No thread of ours may run there, so that nothing is computed: kernels are taken
from the cache one by one, as many as there are, and none is compiled.
"""

import importlib
import sys

from numba.core.caching import FunctionCache
from numba.core.registry import CPUDispatcher

MODULES = ("detector.cli", "detector.service.serve_cli", "alembic.command", "uvicorn.server")


def _load(kernel: CPUDispatcher) -> None:
    cache = kernel._cache
    if not isinstance(cache, FunctionCache):
        return
    for key in cache._cache_file._load_index():
        if key == cache._index_key(key[0], kernel.targetctx.codegen()):
            kernel.compile(key[0])


for name in MODULES:
    importlib.import_module(name)
for module in [module for name, module in sys.modules.items() if name.startswith("detector.")]:
    for each in vars(module).values():
        if isinstance(each, CPUDispatcher):
            _load(each)
