"""A bond: a Port with several interfaces, its settings as ovs-vswitchd reads them, and what the operator asks of it.

Follows port_configure_bond() of bridge.c. The rules are in the datapath (bond.pyx).
"""

from __future__ import annotations

from collections.abc import Sequence

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.ovsdb.rows import Row
from vswitch.switch.port import Port
from vswitch.switch.protocols import BondMember
from vswitch.switch.smap import smap_bool, smap_int

if TYPE_CHECKING:
    from vswitch.switch.bridge import Bridge

BOND_MODES = ("active-backup", "balance-slb", "balance-tcp")
"""Names of Port:bond_mode; the position is the datapath's number for it (bridge.pxd)."""

DEFAULT_REBALANCE_INTERVAL_MS = 10_000
MIN_REBALANCE_INTERVAL_MS = 1_000


class BondSettings(NamedTuple):
    """What is configured of a bond. A change of one of the first six voids what is known of the load."""

    mode: str
    hash_basis: int
    rebalance_interval_ms: int  # 0: never
    lacp_fallback_ab: bool
    lb_output: bool
    primary: str | None  # name of an interface, whether it is a member or not
    updelay_ms: int
    downdelay_ms: int
    all_members_active: bool


def bond_settings(row: Row) -> BondSettings:
    """The settings of a Port row."""
    other = row.map("other_config")
    mode = row.text("bond_mode") or "active-backup"
    interval_ms = smap_int(other, "bond-rebalance-interval", DEFAULT_REBALANCE_INTERVAL_MS)
    fallback = smap_bool(other, "lacp-fallback-ab")
    return BondSettings(
        mode=mode,
        hash_basis=smap_int(other, "bond-hash-basis", 0) & 0xFFFFFFFF,
        rebalance_interval_ms=max(interval_ms, MIN_REBALANCE_INTERVAL_MS) if interval_ms else 0,
        lacp_fallback_ab=fallback,
        lb_output=mode == "balance-tcp" and smap_bool(other, "lb-output-action"),
        primary=other.get("bond-primary") if mode == "active-backup" or fallback else None,
        updelay_ms=_delay(row["bond_updelay"]),
        downdelay_ms=_delay(row["bond_downdelay"]),
        all_members_active=smap_bool(other, "all-members-active"),
    )


def _delay(value: object) -> int:
    """Milliseconds as OVS's 32-bit int holds them; what is negative there is none."""
    number = (value if isinstance(value, int) else 0) & 0xFFFFFFFF
    return number if number < 1 << 31 else 0


class Bond:
    """A bond that runs. Made and forgotten with the settings of its Port row.

    Attributes
    ----------
    name : str
        Name of the Port row.
    recirc_id : int
        What OVS would recirculate frames with; 0 for active-backup.
    """

    def __init__(self, bridge: Bridge, row: Row, number: int) -> None:
        self._datapath = bridge.node.datapath
        self._bridge = bridge
        self._row = row
        self._number = number
        self.name = row.name
        self._settings: BondSettings | None = None
        self.recirc_id = 0

    def configure(self, row: Row, members: Sequence[Port]) -> None:
        """Apply the Port row."""
        self._row = row
        settings = bond_settings(self._row)
        primary = next((port.number for port in members if port.name == settings.primary), None)
        self._datapath.set_bond(
            self._bridge.number,
            self._number,
            mode=BOND_MODES.index(settings.mode),
            updelay_ms=settings.updelay_ms,
            downdelay_ms=settings.downdelay_ms,
            rebalance_interval_ms=settings.rebalance_interval_ms,
            hash_basis=settings.hash_basis,
            all_members_active=settings.all_members_active,
            primary=primary,
            clears_buckets=self._settings is None or self._settings[:6] != settings[:6],
        )
        self._settings = settings
        if settings.mode == "active-backup":
            self.recirc_id = 0
        elif not self.recirc_id:
            self.recirc_id = self._bridge.node.next_recirc_id()

    def publish(self) -> None:
        """Write the address of the active member to Port:bond_active_slave."""
        active = self.active
        address = 0 if active is None else self._bridge.ports_by_name[active].hwaddr
        self._bridge.node.db.set_state(self._row, bond_active_slave=address.to_bytes(6).hex(":"))

    # What bond/show shows.

    @property
    def mode(self) -> str:
        """One of `BOND_MODES`."""
        return self.settings.mode

    @property
    def settings(self) -> BondSettings:
        """What is configured."""
        return self._settings or bond_settings(self._row)

    @property
    def active(self) -> str | None:
        """Name of the active member."""
        number = self._datapath.bond_active(self._bridge.number, self._number)
        return None if number is None else self._port(number).name

    @property
    def next_rebalance_ms(self) -> int | None:
        """How long until load is moved between the members; None if it never is."""
        return self._datapath.bond_next_rebalance_ms(self._bridge.number, self._number)

    def members(self) -> list[BondMember]:
        """The members in order of configuration."""
        return [
            BondMember(self._port(member[0]).name, self._port(member[0]).hwaddr, *member[1:])
            for member in self._datapath.bond_members(self._bridge.number, self._number)
        ]

    # What the operator commands.

    def set_active(self, member: str) -> bool:
        """Make an enabled member the active one; False if it is already."""
        return self._datapath.bond_set_active(self._bridge.number, self._number, self._member(member).number)

    def enable(self, member: str, enable: bool) -> None:
        """Enable or disable a member; when its delay is over its link decides again."""
        self._datapath.bond_enable(self._bridge.number, self._number, self._member(member).number, enable)

    def migrate(self, bucket: int, member: str) -> None:
        """Give a bucket (0 to 255) of a balance-slb bond to a member."""
        self._datapath.bond_migrate(self._bridge.number, self._number, bucket, self._member(member).number)

    def _port(self, number: int) -> Port:
        return self._bridge.node.ports_by_number[number]

    def _member(self, name: str) -> Port:
        port = self._bridge.ports_by_name.get(name)
        if port is None or name not in {member.name for member in self.members()}:
            raise ConfigError(f"{name} is no member of bond {self.name}", key=name)
        return port

    def __repr__(self) -> str:
        return f"<Bond {self._bridge.name}/{self.name} {self.mode}>"
