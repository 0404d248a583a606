"""A hub for a class, on one machine, without log-in: each learner gets a JupyterLab with copies of the notebooks.

    .venv/bin/python -m pip install jupyterhub jupyterhub-tmpauthenticator
    npm install --prefix _build/proxy configurable-http-proxy
    .venv/bin/jupyterhub -f book/hub.py                     # http://ADDRESS-OF-THIS-MACHINE:8000

For one class in one room: whoever reaches the port may run code as you, so use a machine and a network made for it, or
a hub with accounts and containers (zero-to-jupyterhub, The Littlest JupyterHub) and this file's last lines. A learner's
folder lies in _build/class and stays there. Settings of jupyterhub: its own documentation.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLASS = ROOT / "_build" / "class"
PROXY = ROOT / "_build" / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"

c = get_config()  # noqa: F821  (jupyterhub gives it)
if PROXY.exists():
    c.ConfigurableHTTPProxy.command = [str(PROXY)]
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.authenticator_class = "tmp"
c.TmpAuthenticator.auto_login = True
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(CLASS / "{username}")
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.args = ["--allow-root"]
# One thread a kernel: threads of thirty learners that wait for each other by spinning would stand still
c.Spawner.environment = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# Kernels that nobody uses give their memory back
c.Spawner.args += ["--MappingKernelManager.cull_idle_timeout=1200", "--MappingKernelManager.cull_interval=120"]


def copies_of_the_notebooks(spawner):
    """Whatever a learner has changed stays as it is."""
    own = CLASS / spawner.user.name
    own.mkdir(parents=True, exist_ok=True)
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if not (own / notebook.name).exists():
            shutil.copy(notebook, own)


c.Spawner.pre_spawn_hook = copies_of_the_notebooks
