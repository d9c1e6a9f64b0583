"""What a switch keeps of actions that set options of tunnels: values as wide as the map of the bridge has them."""

from __future__ import annotations

from vswitch.openflow.actions.actions import Actions
from vswitch.openflow.actions.base import Action
from vswitch.openflow.actions.set_field import SetField
from vswitch.openflow.tlv_map import PREFIX, TlvMap, fitted


def fitted_actions(actions: Actions, tlv_map: TlvMap) -> Actions:
    """The same actions, those in others too, with values that are too long cut.

    Raises
    ------
    OpenFlowError
        An option is not mapped.
    """
    kept = tuple(_fitted(action, tlv_map) for action in actions)
    return actions if all(old is new for old, new in zip(actions, kept, strict=True)) else Actions(kept)


def _fitted(action: Action, tlv_map: TlvMap) -> Action:
    if isinstance(action, SetField):
        if not action.field.name.startswith(PREFIX):
            return action
        field = tlv_map.field(action.field)
        value, mask = fitted(field, action.value, action.mask)
        if mask == field.all_ones:
            mask = action.field.all_ones
        if (value, mask) == (action.value, action.mask):
            return action
        return SetField(action.field, action.has_vlan, mask, action.raw, value)
    nested = getattr(action, "actions", None)
    if not isinstance(nested, Actions):
        return action
    kept = fitted_actions(nested, tlv_map)
    return action if kept is nested else action.replace(actions=kept)
