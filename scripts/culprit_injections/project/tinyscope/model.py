"""A small network and how it learns."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from .dataset import Batch, Patches
from .stats import mean


class Dense:
    """A layer of weights."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        scale = np.sqrt(2 / inputs)
        self.weight = (rng.standard_normal((inputs, outputs)) * scale).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)
        self.gradients = [np.zeros_like(self.weight), np.zeros_like(self.bias)]
        self._inputs = np.zeros((0, inputs), np.float32)

    @property
    def parameters(self) -> list[np.ndarray]:
        """What is learned."""
        return [self.weight, self.bias]

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs."""
        self._inputs = inputs
        return inputs @ self.weight + self.bias

    def backward(self, errors: np.ndarray) -> np.ndarray:
        """Keep the gradients; return the errors of the inputs."""
        self.gradients = [self._inputs.T @ errors, errors.sum(axis=0)]
        return errors @ self.weight.T


class Rectify:
    """Negative values become 0."""

    parameters: Sequence[np.ndarray] = ()
    gradients: Sequence[np.ndarray] = ()

    def __init__(self) -> None:
        self._positive = np.zeros((0, 0), bool)

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs."""
        self._positive = inputs > 0
        return inputs * self._positive

    def backward(self, errors: np.ndarray) -> np.ndarray:
        """Return the errors of the inputs."""
        return errors * self._positive


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return the probability of each class."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(scores: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the loss and its gradient."""
    shares = softmax(scores)
    rows = np.arange(len(targets))
    loss = -float(np.log(shares[rows, targets] + 1e-9).mean())
    shares[rows, targets] -= 1
    return loss, shares / len(targets)


class Network:
    """Layers in a row."""

    def __init__(self, sizes: Sequence[int], seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.layers: list[Dense | Rectify] = []
        for inputs, outputs in pairwise(sizes):
            self.layers += [Dense(inputs, outputs, rng), Rectify()]
        self.layers.pop()

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Return the scores of each class."""
        for layer in self.layers:
            inputs = layer.forward(inputs)
        return inputs

    def backward(self, errors: np.ndarray) -> None:
        """Work out all gradients."""
        for layer in reversed(self.layers):
            errors = layer.backward(errors)

    def learned(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield parameters with their gradients."""
        for layer in self.layers:
            yield from zip(layer.parameters, layer.gradients, strict=True)


class Adam:
    """Steps by running means of the gradients (Kingma and Ba, 2015)."""

    def __init__(self, network: Network, rate: float = 1e-3) -> None:
        self.rate = rate
        self.count = 0
        self._first = [np.zeros_like(parameter) for parameter, _ in network.learned()]
        self._second = [np.zeros_like(parameter) for parameter, _ in network.learned()]

    def step(self, network: Network) -> None:
        """Change the parameters."""
        self.count += 1
        rate = np.float32(self.rate * np.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count))
        for place, (parameter, gradient) in enumerate(network.learned()):
            first, second = self._first[place], self._second[place]
            first += (gradient - first) * np.float32(0.1)
            second += (gradient * gradient - second) * np.float32(0.001)
            parameter[...] -= rate * first / (np.sqrt(second) + np.float32(1e-8))


@dataclass
class History:
    """The last losses."""

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=50))
    lines: list[str] = field(default_factory=list)

    def note(self, loss: float) -> None:
        """Keep a loss."""
        self.recent.append(loss)

    def close_epoch(self, epoch: int, right: float) -> None:
        """Write a line on an epoch."""
        self.lines.append(f"epoch {epoch}: loss {mean(self.recent):.4f}, right {right:.1%}")


class Trainer:
    """Teaches a network."""

    def __init__(self, network: Network, size: int = 16) -> None:
        self.network = network
        self.size = size
        self.optimiser = Adam(network)
        self.history = History()

    def fit(self, patches: Patches, epochs: int) -> list[str]:
        """Learn for some epochs; return a line on each."""
        for epoch in range(epochs):
            shares = [self.learn(batch) for batch in patches.batches(self.size, epoch)]
            self.history.close_epoch(epoch, mean(shares))
        return self.history.lines

    def learn(self, batch: Batch) -> float:
        """Learn from a batch; return the share of right answers."""
        inputs, targets = batch
        scores = self.network.forward(inputs)
        loss, errors = cross_entropy(scores, targets)
        self.network.backward(errors)
        self.optimiser.step(self.network)
        self.history.note(loss)
        return accuracy(scores, targets)


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of right answers."""
    return float((scores.argmax(axis=1) == targets).mean())
