"""A run's folder: configuration, metrics, curve, samples and checkpoints.

What a run cannot do without (its checkpoints) raises when it cannot be written; what it can (the
rest) is told once and left out, so that a full disk does not end a night's training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flux.errors import DataError, DomainError
from flux.files import replace, sweep
from flux.training.config import Config
from flux.training.events import Events
from flux.training.metrics import METRICS, Metrics, read_metrics
from flux.training.plot import PICTURE, plot_losses
from flux.training.progress import Report
from flux.training.run import Run
from flux.training.samples import SAMPLES, Samples
from flux.training.saved import Origin

CONFIG = "config.toml"


class RunFolder:
    """The folder of a run that is being trained; hold its lock before this is made.

    Args:
        path: of the folder.
        run: the run, as it begins or goes on.
        tell: shows a remark.

    Raises:
        DataError: it cannot be written.
        ArgumentError: events are wanted, and their library is not installed.
    """

    def __init__(self, path: Path, run: Run, tell: Callable[[str], None]) -> None:
        self.path = path
        self._run = run
        self._tell = tell
        self._told: set[str] = set()
        try:
            replace(path / CONFIG, [config_of(run.origin).text().encode()])
            self._metrics = Metrics(path, run.trainer.step)
            self._samples = Samples(path, run.trainer.step)
            wanted = run.origin.preset.tensorboard
            self._events = Events(path, run.trainer.step) if wanted else None
        except OSError as error:
            raise DataError(f"cannot write to {str(path)!r}: {error.strerror}") from None
        sweep(path)

    def save(self) -> None:
        """Save the run.

        Raises:
            DataError: it cannot be saved; the checkpoint before is as it was.
        """
        self._run.save(self.path)

    def save_on_the_way(self) -> None:
        """Save the run; where that fails, say so and go on: the next save may find space."""
        try:
            self._run.save(self.path)
        except DataError as error:
            self._tell(f"{error.text}; training goes on, and the next save tries again")

    def improved(self) -> None:
        """Keep the best checkpoint."""
        try:
            self._run.save_best(self.path)
        except DataError as error:
            self._once(error.text)

    def report(self, report: Report) -> None:
        """Append a report to the metrics, and to the events where they are wanted."""
        try:
            self._metrics.add(report.row())
        except OSError as error:
            self._once(f"cannot write {METRICS}: {error.strerror}")
        try:
            if self._events is not None:
                self._events.add(report.row())
        except OSError as error:
            self._once(f"cannot write events: {error.strerror}")

    def sample(self) -> None:
        """Append what the model writes, where it writes."""
        try:
            text = self._run.sample()
            if text is not None:
                self._samples.add(self._run.trainer.step, text)
        except OSError as error:
            self._once(f"cannot write {SAMPLES}: {error.strerror}")
        except DomainError as error:
            self._once(f"the model writes nothing: {error.text}")

    def plot(self) -> None:
        """Draw the curve."""
        try:
            remark = plot_losses(read_metrics(self.path / METRICS), self.path / PICTURE)
        except DataError as error:
            remark = error.text
        if remark:
            self._once(remark)

    def _once(self, remark: str) -> None:
        if remark not in self._told:
            self._told.add(remark)
            self._tell(remark)


@dataclass(frozen=True)
class Elsewhere:
    """The folder of a run as a rank behind the first one sees it: nothing is written there.

    Attributes:
        path: of the folder that the first rank writes.
    """

    path: Path

    def save(self) -> None:
        """The first rank saves."""

    save_on_the_way = improved = sample = plot = save

    def report(self, report: Report) -> None:
        """The first rank keeps it."""


def config_of(origin: Origin) -> Config:
    """The configuration that makes a run of the same origin."""
    return Config(origin.name, origin.preset, origin.data, origin.seed, origin.start)
