"""Networks in CIDR notation."""

import re
from ipaddress import ip_address, ip_network

from cordwood.language.tokens import Bare, Reading
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Filter, InNetwork

_LOOKS_LIKE_ONE = re.compile(r"(?:\d+(?:\.\d+){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*)/\d+", re.ASCII)


def network_of(reading: Reading, field: Field, found: Bare) -> Filter | None:
    """The network that a text means; None if it looks like none. Raises BadQuery for a wrong one."""
    if not _LOOKS_LIKE_ONE.fullmatch(found.text):
        return None
    try:
        network = ip_network(found.text, strict=False)
    except ValueError as error:
        hint = "in quotes it is a text"
        raise reading.problem("this is no network", found.start, found.end, hint=hint) from error
    address = ip_address(found.text.partition("/")[0])
    if address != network.network_address:
        message = f"this address has bits beyond /{network.prefixlen}"
        raise reading.problem(message, found.start, found.end, suggestion=str(network))
    return InNetwork(field, str(network))
