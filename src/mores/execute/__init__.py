"""Where tasks run: in this process, on a Ray cluster, through Slurm. Knows tasks, and no step.

    with lending(run_folder) as token:
        executor = executor_of("ray")(Site(folder=run_folder, token=token))
        executor.run(tasks, say=print)

task.py      a task, what it uses, the seam of executors
lease.py     one run folder, many processes: who may write, and whether all see the same storage
worker.py    what a node does with a task that it is sent
loop.py      sends tasks when what they need is done, again where a worker is lost
here.py      one after the other in this process
on_ray.py    on a Ray cluster        on_slurm.py   as jobs of Slurm
"""

from mores.execute.lease import alone, lending
from mores.execute.task import Executor, Resources, Site, Task, executor_of

__all__ = ["Executor", "Resources", "Site", "Task", "alone", "executor_of", "lending"]
