"""Newton's method for a logistic regression whose parameters are biases and, if asked, one scale.

The loss ``mean CE(softmax(s z + b), y)`` is convex in (s, b) together. Adding a constant to all
biases changes nothing, so they are kept at mean 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError

TOLERANCE = 1e-11
"""Largest entry of the gradient at which the method stops unless told otherwise."""
MAXIMUM_STEPS = 200
LARGEST_STEP = 4.0
"""A parameter moves by at most so much in one step: sure logits make the loss flat far away."""
SUFFICIENT_DECREASE = 1e-4
MAXIMUM_HALVINGS = 40


@dataclass(frozen=True)
class Optimum:
    """Where the method stopped.

    Args:
        scale: s, 1 where it was not fitted.
        biases: ``(k,)`` with mean 0.
        probabilities: ``(n, k)`` there.
        steps: steps taken.
        largest_gradient: largest entry of the gradient left.
    """

    scale: float
    biases: np.ndarray
    probabilities: np.ndarray
    steps: int
    largest_gradient: float


@dataclass(frozen=True)
class BiasRegression:
    """The problem.

    Args:
        logits: ``(n, k)`` float64, the offset.
        labels: ``(n,)`` int64.
        ridge: weight of half the squared length of the biases.
        fits_scale: whether s is a parameter; otherwise it is 1.
    """

    logits: np.ndarray
    labels: np.ndarray
    ridge: float = 0.0
    fits_scale: bool = False

    def solve(self, start: np.ndarray | None = None, tolerance: float = TOLERANCE) -> Optimum:
        """Minimise from biases ``start``, or from 0, until the gradient is below the tolerance.

        Raises:
            InputError: the logits are too sure for the biases to be found.
        """
        k = self.logits.shape[1]
        biases = np.zeros(k) if start is None else start - start.mean()
        scale = 1.0
        # the loss is a difference of logits: it is no more exact than they are
        rounding = 64.0 * np.finfo(float).eps * max(1.0, float(np.abs(self.logits).max()))
        loss, probabilities = self._evaluate(scale, biases)
        for step in range(MAXIMUM_STEPS):
            gradient = self._gradient(probabilities, biases)
            largest = float(np.abs(gradient).max())
            found = Optimum(scale, biases, probabilities, step, largest)
            if largest < tolerance:
                return found
            direction = -solve_damped(self._full_curvature(probabilities), gradient)
            direction[-k:] -= direction[-k:].mean()
            direction *= min(1.0, LARGEST_STEP / float(np.abs(direction).max()))
            slope = float(gradient @ direction)
            for halvings in range(MAXIMUM_HALVINGS):
                length = 0.5**halvings
                next_scale = scale + length * float(direction[0]) if self.fits_scale else 1.0
                next_biases = biases + length * direction[-k:]
                next_loss, next_probabilities = self._evaluate(next_scale, next_biases)
                if next_loss <= loss + SUFFICIENT_DECREASE * length * slope + rounding:
                    break
            else:
                return found  # rounding allows no better
            scale, biases = next_scale, next_biases
            loss, probabilities = next_loss, next_probabilities
        raise InputError(
            "The prior of these logits could not be found: they are too sure. Divide them by a "
            "temperature above 1, or set a ridge."
        )

    def curvature(self, probabilities: np.ndarray) -> np.ndarray:
        """``(k, k)`` second derivative in the biases, made invertible along their mean."""
        n, k = probabilities.shape
        matrix = probabilities.T @ probabilities
        matrix /= -n
        mean = probabilities.mean(axis=0)
        matrix[np.diag_indices(k)] += mean + self.ridge
        return matrix + mean.mean() / k

    def scatter(self, probabilities: np.ndarray) -> np.ndarray:
        """``(k, k)`` mean outer product of the pictures' gradients about the mean of their class.

        The number of pictures of a class is chosen, not drawn, so only what varies within it
        counts. A class of one picture shows no variation and counts whole.
        """
        n, k = probabilities.shape
        scores = probabilities.copy()
        scores[np.arange(n), self.labels] -= 1.0
        counts = np.bincount(self.labels, minlength=k)
        members = np.zeros((n, k))
        members[np.arange(n), self.labels] = 1.0
        means = (members.T @ scores) / np.maximum(counts, 1)[:, None]
        means[counts == 1] = 0.0
        scores -= means[self.labels]
        scores *= np.sqrt(counts / np.maximum(counts - 1, 1))[self.labels][:, None]
        return scores.T @ scores / n

    def _evaluate(self, scale: float, biases: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and probabilities, with one exponential a number."""
        rows = np.arange(len(self.labels))
        scores = self.logits + biases if scale == 1.0 else scale * self.logits + biases
        own = scores[rows, self.labels].mean()
        highest = scores.max(axis=1)
        scores -= highest[:, None]
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1)
        scores /= sums[:, None]
        loss = float((highest + np.log(sums)).mean() - own)
        return loss + 0.5 * self.ridge * float(biases @ biases), scores

    def _gradient(self, probabilities: np.ndarray, biases: np.ndarray) -> np.ndarray:
        n, k = probabilities.shape
        shares = np.bincount(self.labels, minlength=k) / n
        of_biases = probabilities.mean(axis=0) - shares + self.ridge * biases
        if not self.fits_scale:
            return of_biases
        own = self.logits[np.arange(n), self.labels].mean()
        of_scale = float(np.einsum("nk,nk->", probabilities, self.logits)) / n - float(own)
        return np.concatenate([[of_scale], of_biases])

    def _full_curvature(self, probabilities: np.ndarray) -> np.ndarray:
        inner = self.curvature(probabilities)
        if not self.fits_scale:
            return inner
        n, k = probabilities.shape
        weighted = probabilities * self.logits
        means = weighted.sum(axis=1)
        matrix = np.empty((k + 1, k + 1))
        matrix[1:, 1:] = inner
        matrix[0, 1:] = matrix[1:, 0] = weighted.mean(axis=0) - means @ probabilities / n
        second = float(np.einsum("nk,nk->", weighted, self.logits)) / n
        matrix[0, 0] = second - float((means**2).mean())
        return matrix


def solve_damped(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve with a whisper of damping: logits that are all but certain have no curvature."""
    size = len(matrix)
    damping = 1e-13 * float(np.trace(matrix)) / size + np.finfo(float).tiny
    return np.linalg.solve(matrix + damping * np.eye(size), right)
