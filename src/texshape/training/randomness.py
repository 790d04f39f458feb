"""Random draws of a training as a function of seed, purpose and position.

No generator state outlives a step: what is drawn at a step depends on the seed and on the number
of the step alone. An interrupted training therefore resumes anywhere without restoring generators.
"""

from __future__ import annotations

import numpy as np
import torch

# Purposes; the numbers are part of what makes a seed reproducible.
WEIGHTS, ORDER, AUGMENTATION = 0, 1, 2


def derived_seed(seed: int, purpose: int, *position: int) -> int:
    """Derive a seed of 63 bits from a non-negative seed, a purpose and a position."""
    state = np.random.SeedSequence([seed, purpose, *position]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def generator(seed: int, purpose: int, *position: int) -> torch.Generator:
    """Return a CPU generator that depends on the arguments alone."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, *position))
