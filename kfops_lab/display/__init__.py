"""How kfops things look in a notebook: HTML beside plain text, in JupyterLab's own colours."""
