"""How a container step becomes processes. ``base`` is what the engine knows of it, ``process`` the default way."""
