from collections.abc import Sequence

from vswitch.datapath.ledger import Ledger

def merge_ledgers(ledgers: Sequence[Ledger], ranks: Sequence[Sequence[int]], merged: Ledger) -> None: ...
