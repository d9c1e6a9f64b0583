"""``cloud.yaml``: a cloud in Neutron's own words becomes a `Cloud`, and that a `Topology` (docs/cloud.md).

    networks:
      blue: {provider:network_type: vxlan, subnets: [10.0.0.0/24]}
    ports:
      vm1: {network: blue, host: compute1}
      vm2: {network: blue, host: compute2}
    hosts:
      compute1: {local_ip: 192.0.2.1}
      compute2: {local_ip: 192.0.2.2}

Whether a word may stand where it stands is the schema's to say (cloud_schema.py); names are looked up by the readers of
each kind of object; what must hold between objects, neutron/rules says. What nobody has written down is made as
neutron-server would (neutron/server.py). Everything that is wrong is an error with line and column.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.errors import ConfigError
from vswitch.neutron.cloud import Cloud, Host
from vswitch.neutron.rules import Problem, problems_of
from vswitch.neutron.server import complete
from vswitch.neutron.wishes import CannotCompleteError
from vswitch.setups.cloud_hosts import complete_hosts, read_hosts, read_wires
from vswitch.setups.cloud_machines import read_machines
from vswitch.setups.cloud_networks import read_networks, read_qos_policies, read_security_groups, read_subnets
from vswitch.setups.cloud_ports import read_floating_ips, read_ports, read_trunks
from vswitch.setups.cloud_ranges import read_server
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.cloud_routers import read_legs, read_routers
from vswitch.setups.cloud_schema import SCHEMA
from vswitch.setups.cloud_texts import read_texts
from vswitch.setups.cloud_timeline import read_timeline
from vswitch.setups.files import read_text
from vswitch.setups.yaml_text import YamlText, check
from vswitch.switch.topology import TimelineCommand


@dataclass(eq=False)
class CloudFile:
    """What a ``cloud.yaml`` says.

    Attributes
    ----------
    text : YamlText
        The document, for the places of what is found wrong later.
    cloud : Cloud
    commands : list of TimelineCommand
        Lines that the timeline runs on hosts.
    reading : Reading
        Who has which name, and where it stands.
    warnings : list of ConfigError
        What looks wrong, and does not keep the cloud from running.
    """

    text: YamlText
    cloud: Cloud
    commands: list[TimelineCommand]
    reading: Reading
    warnings: list[ConfigError] = field(default_factory=list)


def read_cloud(path: str) -> CloudFile:
    """Read a ``cloud.yaml``.

    Raises
    ------
    ConfigError
        The file is wrong; carries path, line and column.
    """
    return parse_cloud(read_text(path), path)


def parse_cloud(text: str, path: str = "cloud.yaml") -> CloudFile:
    """The same for the text of one; `path` is for messages."""
    document = YamlText(text, path)
    read_texts(document)
    check(document, SCHEMA)
    reading = Reading(document)
    reading.cloud.server = read_server(document)
    read_qos_policies(reading)
    read_networks(reading)
    read_subnets(reading)
    read_security_groups(reading)
    read_hosts(reading)
    read_routers(reading)
    read_ports(reading)
    read_legs(reading)
    read_trunks(reading)
    read_floating_ips(reading)
    _complete(reading)
    read_machines(reading)
    commands = read_timeline(reading)
    found = CloudFile(document, reading.cloud, commands, reading)
    _judge(found)
    return found


def _complete(reading: Reading) -> None:
    try:
        complete(reading.cloud, reading.wishes)
    except CannotCompleteError as error:
        raise reading.error_of(error.about, error.problem, error.key, hint=error.hint) from error
    complete_hosts(reading)
    read_wires(reading)


def _judge(found: CloudFile) -> None:
    """Raise the first error that the rules find; keep the warnings."""
    errors: list[ConfigError] = []
    for problem in problems_of(found.cloud):
        error = _as_error(found.reading, problem)
        (found.warnings if problem.is_warning else errors).append(error)
    if errors:
        raise min(errors, key=lambda error: (error.line, error.column))


def _as_error(reading: Reading, problem: Problem) -> ConfigError:
    about = problem.about
    if isinstance(about, Host) and problem.key in reading.options.get(about, {}):
        return reading.text.error(problem.problem, reading.options[about][problem.key], hint=problem.hint)
    if reading.entry_of(about) is None and problem.other is not None:
        about = problem.other  # what was made here is at odds with what was given
    return reading.error_of(about, problem.problem, problem.key, hint=problem.hint)


__all__ = ["CloudFile", "parse_cloud", "read_cloud"]
