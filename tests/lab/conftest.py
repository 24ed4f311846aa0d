"""One thread for torch: small models are slower on several, and much slower beside other work."""

import importlib.util

if importlib.util.find_spec("torch") is not None:
    import torch

    torch.set_num_threads(1)
