"""One function process: start, warm, snapshot, serve, restore, retire."""

from groundhog.worker.connections import USED, ConnectionPolicy
from groundhog.worker.job import ControlJob, ForwardedJob, Job, Sink
from groundhog.worker.lifecycle import STARTED, State
from groundhog.worker.watching import LayoutWatch
from groundhog.worker.worker import Listener, Worker, WorkerConfig

__all__ = [
    "STARTED",
    "USED",
    "ConnectionPolicy",
    "ControlJob",
    "ForwardedJob",
    "Job",
    "LayoutWatch",
    "Listener",
    "Sink",
    "State",
    "Worker",
    "WorkerConfig",
]
