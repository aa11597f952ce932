"""Aside: something else done in the process of a training, after which the training goes on as if nothing had been."""

import gc
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partialmethod

_OFFLINE = "HF_HUB_OFFLINE"


@contextmanager
def aside() -> Iterator[None]:
    """Shows no progress bars, and restores the random states of Python, numpy and torch, torch's threads and precision,
    and what transformers shows."""
    with ExitStack() as restored:
        for part in (_random_states, _torch_settings, _what_is_shown, _environment):
            restored.enter_context(part())
        yield


@contextmanager
def _random_states() -> Iterator[None]:
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    on_devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if on_devices is not None:
            torch.cuda.set_rng_state_all(on_devices)


@contextmanager
def _torch_settings() -> Iterator[None]:
    """An engine sets the threads itself; reduced precision of float32 products is a choice of the training alone."""
    import torch

    threads, precision, cudnn = (
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.allow_tf32,
    )
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = cudnn
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@contextmanager
def _what_is_shown() -> Iterator[None]:
    from tqdm import tqdm
    from transformers.utils import logging

    verbosity, bars, made = logging.get_verbosity(), logging.is_progress_bar_enabled(), tqdm.__init__
    tqdm.__init__ = partialmethod(made, disable=True)
    try:
        yield
    finally:
        tqdm.__init__ = made
        logging.set_verbosity(verbosity)
        (logging.enable_progress_bar if bars else logging.disable_progress_bar)()


@contextmanager
def _environment() -> Iterator[None]:
    """Nothing is asked of the hub meanwhile, and afterwards as before."""
    before = os.environ.get(_OFFLINE)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_OFFLINE, None)
        else:
            os.environ[_OFFLINE] = before
