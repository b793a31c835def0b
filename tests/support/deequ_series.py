"""The series that Deequ's own tests judge, with what Deequ publishes of them.

Source: `AbsoluteChangeStrategyTest`, `RelativeRateOfChangeStrategyTest`, `BatchNormalStrategyTest` and `OnlineNormalStrategyTest`
of awslabs/deequ. Those of the last two are random, of `java.util.Random(1)`, whose algorithm its documentation gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

SWINGS = [float(place if place % 2 == 0 else -place) if 20 <= place <= 30 else 1.0 for place in range(51)]
"""1, and from 20 to 30 the place itself, even ones above 0 and odd ones below."""

PEAKS = [float(place) if 20 <= place <= 30 and place % 2 == 0 else 1.0 for place in range(51)]
"""1, and from 20 to 30 at even places the place itself."""

STEPS = [0.0, 1.0, 3.0, 6.0, 18.0, 72.0]

ONLINE = {
    20: (-14.868489924421404, 14.255383455388895),
    21: (-13.6338479733374, 13.02074150430489),
    22: (-16.71733585267535, 16.104229383642842),
    23: (-17.346915620547467, 16.733809151514958),
    24: (-17.496117397890874, 16.883010928858365),
    25: (-17.90391150851199, 17.29080503947948),
    26: (-17.028892797350824, 16.415786328318315),
    27: (-17.720100310354653, 17.106993841322144),
    28: (-18.23663168508628, 17.62352521605377),
    29: (-19.32641622778204, 18.71330975874953),
    30: (-18.96540323993527, 18.35229677090276),
}
"""What OnlineNormal publishes of noisy swings with 3.5 deviations and a fifth ignored: the mean without the value, less and plus
the deviations with it."""


def noisy_swings(length: int) -> list[float]:
    """Gaussian noise, to which the swings are added from 20 to 30."""
    noise = _gaussian(seed=1)
    values = [next(noise) for _ in range(length)]
    return [value + SWINGS[place] if 20 <= place <= 30 else value for place, value in enumerate(values)]


def _gaussian(seed: int) -> Iterator[float]:
    """Numbers of `java.util.Random.nextGaussian`."""
    uniform = _uniform(seed)
    while True:
        first, second = 2 * next(uniform) - 1, 2 * next(uniform) - 1
        square = first * first + second * second
        if 0 < square < 1:
            factor = math.sqrt(-2 * math.log(square) / square)
            yield first * factor
            yield second * factor


def _uniform(seed: int) -> Iterator[float]:
    """Numbers of `java.util.Random.nextDouble`."""
    state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)
    while True:
        bits = 0
        for width in (26, 27):
            state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
            bits = (bits << width) + (state >> (48 - width))
        yield bits / (1 << 53)
