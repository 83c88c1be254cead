"""What models are asked, and when an answer is right: everything after pairing knows no task.

A task is a small function from predictions to predictions; see the modules for each.
"""

from flipcheck.tasks.task import Per, Task

__all__ = ["Per", "Task"]
