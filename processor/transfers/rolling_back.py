"""An unfinished transfer → its hidden folder removed, if that loses nothing, and the state it belongs in then."""

from __future__ import annotations

import errno

from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.transfers import sidecar
from processor.transfers.comparing import is_planned, is_same_inode, sources_whole
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder, remove_hidden
from processor.transfers.torn import is_torn
from processor.transfers.transfer import State, Transfer, TransferFile


def roll_back(transfer: Transfer, guard: Guard) -> State:
    """Take the hidden folder away again if that loses nothing; return the state the transfer belongs in then.

    `cancelled`: nothing of it is left. Its own state: it was switched, recovery goes forward. `attention`: the folder
    may hold the only copy of something, and stays.
    """
    folder = hidden_folder(transfer)
    with (
        Tree(transfer.src_root) as source,
        Tree(transfer.dst_root) as destination,
        destination.explained("undo", folder),
    ):
        if destination.stat(folder) is None:
            if sidecar.is_of(destination, transfer.target, transfer.id):
                return transfer.state
            made = transfer.state == "materialised" and not sources_whole(transfer, source)
            return "attention" if made else "cancelled"
        if is_torn(destination, folder, transfer.target, [file.target for file in transfer.files]):
            return transfer.state
        if not all(_is_spare(source, destination, within(folder, file.target), file) for file in transfer.files):
            return "attention"
        try:
            remove_hidden(destination, folder, [file.target for file in transfer.files], guard)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return "attention"  # somebody put a file of theirs in there
    return "cancelled"


def _is_spare(source: Tree, destination: Tree, hidden: bytes, file: TransferFile) -> bool:
    """Tell whether removing a hidden file loses nothing: its source is there, even if edited since."""
    there = source.stat(file.source)
    return destination.stat(hidden) is None or is_same_inode(there, file.identity) or is_planned(there, file)
