"""One function process: start, warm, snapshot, serve, restore, retire."""

from groundhog.worker.job import Job
from groundhog.worker.lifecycle import STARTED, State
from groundhog.worker.watching import LayoutWatch
from groundhog.worker.worker import Listener, Worker, WorkerConfig

__all__ = ["STARTED", "Job", "LayoutWatch", "Listener", "State", "Worker", "WorkerConfig"]
