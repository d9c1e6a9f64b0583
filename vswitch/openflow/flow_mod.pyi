from typing import final

from vswitch.openflow.actions.actions import Actions
from vswitch.openflow.match import Match
from vswitch.openflow.text import Numbers

ADD: int
MODIFY: int
MODIFY_STRICT: int
DELETE: int
DELETE_STRICT: int
QUERY: int
ANY_COMMAND: int
COMMANDS: dict[str, int]
DEFAULT_PRIORITY: int
TABLE_ALL: int
PORT_ANY: int
GROUP_ANY: int
KEEP_COOKIE: int
FLAGS: dict[str, int]
NO_NAMES: Numbers

@final
class FlowMod:
    command: int
    table: int
    priority: int
    protocols: int
    idle_timeout: int
    hard_timeout: int
    importance: int
    flags: int
    out_port: int
    out_group: int
    cookie: int
    cookie_mask: int
    new_cookie: int
    modify_cookie: bool
    match: Match
    actions: Actions | None
    unnormalized: Match | None
    def __init__(self, command: int) -> None: ...

def parse_flow_mod(text: str, command: int, numbers: Numbers | None = None) -> FlowMod: ...
