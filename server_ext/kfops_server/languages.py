"""The settings editor's texts in other languages.

JupyterLab translates the panel by the JSON catalogues that it finds by an entry point. Schemas of settings it
translates in the server, and reads the words for that from its own language packs alone. So its translator is given the
same catalogues for our text domain.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Dict

#: The text domain, which is also the package whose folder ``locale`` has the catalogues.
DOMAIN = "kfops_lab"

_TRANSLATIONS = "jupyterlab_server.translation_utils"


def offer() -> None:
    """Give JupyterLab's translator our catalogues; without JupyterLab there is nobody to give them to."""
    # Not imported here: a server without JupyterLab need not load what translates it.
    module = sys.modules.get(_TRANSLATIONS)
    if module is None:
        return

    class Bundle(module.TranslationBundle):  # type: ignore[name-defined, misc]
        """The texts of our domain: those of a language pack, else our own."""

        _language = "en"

        def update_locale(self, locale_: str) -> None:
            self._language = locale_
            super().update_locale(locale_)

        def pgettext(self, msgctxt: str, msgid: str) -> Any:
            found = super().pgettext(msgctxt, msgid)
            return found if found != msgid else text(self._language, msgctxt, msgid)

    # Nothing public takes a bundle. A JupyterLab that keeps them elsewhere shows the settings in English.
    bundles = getattr(module.translator, "_TRANSLATORS", {})
    bundles[DOMAIN] = Bundle(DOMAIN, getattr(module.translator, "_LOCALE", "en"))


def text(language: str, context: str, words: str) -> str:
    """Return a text in a language; as it is where the language has none.

    Examples
    --------
    >>> text("xx_XX", "settings", "Seconds")
    'Seconds'
    """
    return _catalogue(language).get(f"{context}\u0004{words}", [words])[0]


@lru_cache(maxsize=None)
def _catalogue(language: str) -> Dict[str, Any]:
    found = find_spec(DOMAIN)
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    for folder in folders:
        path = os.path.join(folder, "locale", language, "LC_MESSAGES", f"{DOMAIN}.json")
        try:
            with open(path, encoding="utf-8") as file:
                catalogue: Dict[str, Any] = json.load(file)
        except (OSError, ValueError):
            continue
        return catalogue
    return {}
