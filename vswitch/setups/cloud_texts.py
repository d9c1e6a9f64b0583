"""Lists and mappings that older clients print as texts: read before the schema is asked.

    external_gateway_info: '{"network_id": "...", "enable_snat": true}'      JSON
    fixed_ips: ip_address='10.0.0.3', subnet_id='...'                        a line for each
    subnets: ..., ...                                                        words with commas
    routes: ''                                                               nothing
"""

from __future__ import annotations

import json
import re
from typing import Any

from vswitch.setups.cloud_words import KINDS, Schema
from vswitch.setups.yaml_text import Path, YamlText

PAIR = re.compile(r"(\w+)='([^']*)'")
NOTHING = ("", "None")


def read_texts(text: YamlText) -> None:
    """Replace such texts in the document; their places stay those of the texts.

    Raises
    ------
    ConfigError
        A text begins as JSON, and is none.
    """
    document: Any = text.value
    for name, kind in KINDS.items() if isinstance(document, dict) else ():
        objects = document.get(name)
        keys: Any = objects if isinstance(objects, dict) else range(len(objects) if isinstance(objects, list) else 0)
        for key in keys:
            found = objects[key]
            if isinstance(found, dict):
                for word in found:
                    schema = kind.words.get(kind.spellings.get(word, word), {})
                    found[word] = _read(text, (name, key, word), found[word], schema)


def _read(text: YamlText, path: Path, value: Any, schema: Schema) -> Any:
    types = schema.get("type", ())
    if "array" in types and isinstance(value, str):
        return _listed(text, path, value)
    if "object" in types and isinstance(value, str):
        value = None if value.strip() in NOTHING else _json(text, path, value)
    if "object" in types and isinstance(value, dict):
        inner = schema.get("properties", {})
        return {word: _read(text, (*path, word), item, inner.get(word, {})) for word, item in value.items()}
    return value


def _listed(text: YamlText, path: Path, value: str) -> list[Any]:
    value = value.strip()
    if value in NOTHING:
        return []
    if value.startswith(("[", "{")):
        items = _json(text, path, value)
        return items if isinstance(items, list) else [items]
    if PAIR.search(value):
        return [dict(PAIR.findall(line)) for line in value.splitlines()]
    return [item.strip() for item in value.replace("\n", ",").split(",") if item.strip()]


def _json(text: YamlText, path: Path, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise text.error("neither a list or mapping nor JSON", path) from None
