"""All attacks, in the order in which they are mounted: importing a theme registers its attacks."""

from . import http, tls, records, handshake, identity, frames, slices, floods, readers, mailbox, takeover, receipts, ours  # noqa: F401
from .suite import ATTACKS  # noqa: F401
