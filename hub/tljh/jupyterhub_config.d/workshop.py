# The Littlest JupyterHub: goes to /opt/tljh/config/jupyterhub_config.d/, for what config.yaml has no key for.
# PyTorch counts the machine's cores, not those a person may use, and would start a thread for each.
# The line that ends in "# size: …" is written by tools/size_hub.py.
c.Spawner.environment = {  # noqa: F821 - JupyterHub provides c
    "OMP_NUM_THREADS": "2",  # size: threads
}
c.Spawner.start_timeout = 120  # noqa: F821 - seconds; all come at once
