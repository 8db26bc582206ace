"""A fingerprint in asv's words: the flat record that asv keeps about a machine."""

import platform

from machmeter.machine import arm
from machmeter.model import Fingerprint


def asv_record(fingerprint: Fingerprint) -> dict[str, str]:
    """Give asv's six fields.

    asv publishes one series for every combination of them: they say only what is part of the tag, and
    never the kernel's release or the exact number of bytes, which change on the same hardware.
    """
    facts = fingerprint.identity
    return {
        "machine": fingerprint.tag,
        "os": platform.system(),
        "arch": str(facts["architecture"]),
        "cpu": ", ".join(arm.names(facts)) or str(facts["cpu_name"]),
        "num_cpu": str(facts["usable_cpus"]),
        "ram": f"{facts['ram_gib']}GiB",
    }
