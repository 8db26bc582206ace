import pytest

from machmeter.machine import arm
from machmeter.machine.cpuinfo import kinds
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.record import asv_record
from machmeter.machine.sources import Sources

BLOCK = """processor\t: {number}
BogoMIPS\t: 50.00
Features\t: fp asimd
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: {revision}
"""
FOUR = "\n".join(BLOCK.format(number=n, variant="0x3", part="0xd0c", revision=1) for n in range(4))
TWO_KINDS = (
    "\n".join(
        BLOCK.format(number=n, variant="0x1", part=part, revision=1)
        for n, part in enumerate(["0xd46", "0xd46", "0xd4e"])
    )
    + "\nHardware\t: a board\nSerial\t\t: 10000000abcdef01\n"
)
LSCPU = (
    '{{"lscpu": [{{"field": "Architecture:", "data": "aarch64"}}, {{"field": "Model name:", "data": "{}"}}]}}'
)


def machine(cpuinfo: str | None, name: str = "Neoverse-N1") -> Sources:
    """Make a machine of this CPU."""
    return Sources({"lscpu": LSCPU.format(name), "/proc/cpuinfo": cpuinfo})


def test_equal_cores_are_kept_once() -> None:
    """Of many equal cores one block of five lines at most is kept."""
    expected = "CPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n"
    assert kinds(FOUR) == expected


def test_board_and_serial_number_are_not_kept() -> None:
    """What stands below the cores names one board and is dropped."""
    assert "Serial" not in kinds(TWO_KINDS)
    assert len(arm.cores(kinds(TWO_KINDS))) == 2


@pytest.mark.parametrize("text", [FOUR, kinds(FOUR)])
def test_numbers_are_the_identity(text: str) -> None:
    """Implementer, part, variant and revision are read from the whole file and from what is kept of it."""
    expected = {
        "cpu_vendor": "0x41",
        "cpu_family": "none",
        "cpu_model": "0xd0c",
        "cpu_stepping": "r3p1",
        "cpu_name": "0x41 0xd0c",
    }
    assert arm.facts(text) == expected


def test_kinds_of_core_are_listed_in_any_order() -> None:
    """A CPU of several kinds of core is the same whichever core is numbered first."""
    blocks = kinds(TWO_KINDS).split("\n\n")
    assert arm.facts("\n\n".join(reversed(blocks))) == arm.facts(kinds(TWO_KINDS))
    assert arm.facts(TWO_KINDS)["cpu_model"] == ["0xd46", "0xd4e"]


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("CPU implementer\t: 0x41", "CPU implementer\t: 0x43"),
        ("CPU part\t: 0xd0c", "CPU part\t: 0xd40"),
        ("CPU variant\t: 0x3", "CPU variant\t: 0x1"),
        ("CPU revision\t: 1", "CPU revision\t: 2"),
    ],
)
def test_each_number_is_hashed(line: str, other: str) -> None:
    """A core that differs in one number is another machine."""
    assert fingerprint(machine(FOUR)).digest != fingerprint(machine(FOUR.replace(line, other))).digest


@pytest.mark.parametrize("name", ["-", "Ampere(TM) Altra(TM) Processor", "Neoverse-N1 r3p1"])
def test_name_by_lscpu_is_state(name: str) -> None:
    """An lscpu that gives the core another name leaves the tag, and is on record."""
    one, other = fingerprint(machine(FOUR)), fingerprint(machine(FOUR, name))
    assert one.tag == other.tag
    assert other.state["cpu_name_by_lscpu"] == name


@pytest.mark.parametrize(
    "text", [None, "", "CPU part\t: 0xd0c\n", FOUR.replace("0x41", "lots"), "microcode\t: 0x28\n"]
)
def test_without_all_numbers_lscpu_is_believed(text: str | None) -> None:
    """A record without the numbers, or with garbled ones, keeps lscpu's name as its identity."""
    found = fingerprint(machine(text))
    assert found.identity["cpu_name"] == "Neoverse-N1"
    assert "cpu_name_by_lscpu" not in found.state


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0x41 0xd4f", ["Neoverse-V2"]),
        ("0x41 0xfff", ["Arm 0xfff"]),
        ("0x7f 0x001", ["Arm 0x001"]),
        (["0x61 0x022", "0x61 0x023"], ["Icestorm-M1", "Firestorm-M1"]),
        ("Intel(R) Xeon(R)", []),
        ("unknown", []),
    ],
)
def test_names_for_people(name: object, expected: list[str]) -> None:
    """Numbers become the names that people know; a part that came later keeps its number."""
    assert arm.names({"cpu_name": name}) == expected


def test_asv_shows_the_name() -> None:
    """asv's record says the name of the core, not its number."""
    assert asv_record(fingerprint(machine(FOUR)))["cpu"] == "Neoverse-N1"


def test_kernel_that_learns_to_name_more_features() -> None:
    """Features that only newer kernels list on the same core are state."""
    flags = (
        '{{"lscpu": [{{"field": "Architecture:", "data": "aarch64"}}, {{"field": "Flags:", "data": "{}"}}]}}'
    )
    old, new = (
        fingerprint(Sources({"lscpu": flags.format(text)}))
        for text in ("fp asimd sve bti", "fp asimd sve afp rpres wfxt ecv ssbs")
    )
    assert old.digest == new.digest
    assert old.identity["cpu_flags"] == ["asimd", "fp", "sve"]
