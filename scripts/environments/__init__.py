"""How the environments of a checkout are made: standard library only, any Python from 3.8 on.

`scripts/setup.py` is the program; these modules each know one thing it needs:

- `progress`      stages with their seconds, the log, errors that say what to type next
- `stamps`        what was made from what, and the lock between two set-ups
- `interpreters`  a Python that fits
- `installer`     uv when it can be had, else pip; the user's pip configuration honoured by both
- `venvs`         the virtual environments, the kernel's registration, JupyterLab's configuration
- `panel`         Node, and the panel's bundle
- `programs`      what tests run beside Python: a browser, a container builder, a registry
"""
