import itertools
import json
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.sources import Sources, read_record

Recorded = Callable[[str], Sources]

RECORDS = sorted((Path(__file__).parent / "recorded").glob("*.json"))
SAFE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}")

#: Label of each recorded machine; the eight digits behind it are the digest's affair.
LABELS = {
    "a100-mig-2x3g": "a100-3g20gbx2-96c-256g",
    "a10g-kvm-8c": "a10gx1-8c-32g",
    "a5000x2-96c": "rtxa5000x2-96c-256g",
    "altra-q80-2x80c-other-lscpu": "neoverse-n1-160c-512g",
    "altra-q80-2x80c": "neoverse-n1-160c-512g",
    "apple-vm-2c": "apple-2c-4g",
    "asahi-m1-8c": "m1-8c-16g",
    "axion-4c": "neoverse-v2-4c-16g",
    "epyc-7451-2x24c": "epyc7451-96c-256g",
    "epyc-7571-kvm-8c": "epyc7571-8c-32g",
    "epyc-7571-pod-cpuset-v2": "epyc7571-2c-8g",
    "epyc-7571-pod-quota-v2": "epyc7571-2c-8g",
    "epyc-7571-slurm-cpuset-v1": "epyc7571-4c-16g",
    "epyc-7r32-kvm-1c": "epyc7r32-1c-2g",
    "epyc-7v73x-hyperv-120c": "epyc7v73x-120c-448g",
    "firecracker-epyc-2c": "epyc-2c-24g",
    "grace-4x72c": "aarch64-288c-xg",
    "graviton3-48c": "neoverse-v1-48c-96g",
    "graviton3-8c": "neoverse-v1-8c-16g",
    "h100x8-64c": "h100x8-64c-512g",
    "h200x1-16c": "h200x1-16c-128g",
    "i5-3317u-virtualbox-2c": "i5-3317u-2c-2g",
    "i7-1165g7-container-v2": "i7-1165g7-2c-4g",
    "meteor-lake-22c": "ultra185h-22c-32g",
    "milkv-pioneer-64c": "riscv64-64c-128g",
    "nanopi-r5s-4c": "cortex-a55-4c-4g",
    "opteron-6328-2x4c": "opteron6328-16c-64g",
    "power7-phyp-64c": "power7-64c-64g",
    "power8-s812l-80c": "8247-21l-80c-128g",
    "raspberry-pi-4-other-clock": "cortex-a72-4c-4g",
    "raspberry-pi-4": "cortex-a72-4c-4g",
    "ryzen-2700-hyperv-16c": "ryzen2700-16c-16g",
    "s390-lpar-8c": "s390x-8c-32g",
    "snapdragon-8g2-8c": "cortex-a510-8c-12g",
    "t4-kvm-8c": "t4x1-8c-32g",
    "xeon-6430-2x32c": "xeon6430-64c-512g",
    "xeon-8175m-kvm-8c-later": "xeon8175m-8c-32g",
    "xeon-8175m-kvm-8c": "xeon8175m-8c-32g",
    "xeon-e5-hyperv-2c": "xeon-e5-2673-2c-8g",
    "xeon-e5-vmware-8c": "xeon-e5-2630-8c-16g",
    "xeon-e5-xen-2c": "xeon-e5-2686-2c-15g",
    "xeon-e5-xen-container-v1": "xeon-e5-2686-1c-1g",
    "xeon-x7550-4x8c": "xeon-x7550-64c-128g",
}

#: Records of the same hardware: under another kernel, with another lscpu, at another clock.
SAME = [
    ("xeon-8175m-kvm-8c", "xeon-8175m-kvm-8c-later"),
    ("altra-q80-2x80c", "altra-q80-2x80c-other-lscpu"),
    ("raspberry-pi-4", "raspberry-pi-4-other-clock"),
]

#: Identity fact, source, text that stands in it, text of a machine that differs only there.
DIFFERENCES = [
    ("architecture", "lscpu", "x86_64", "x86_65"),
    ("cpu_vendor", "lscpu", "GenuineIntel", "GenuineOther"),
    ("cpu_family", "lscpu", '"CPU family:", "data": "6"', '"CPU family:", "data": "7"'),
    ("cpu_model", "lscpu", '"data": "143"', '"data": "207"'),
    ("cpu_stepping", "lscpu", '"data": "8"', '"data": "9"'),
    ("cpu_name", "lscpu", "Gold 6430", "Gold 6438M"),
    ("cpu_flags", "lscpu", " avx512_vnni", ""),
    ("caches", "caches", "3 Unified 61440K 0-31", "3 Unified 62440K 0-31"),
    ("caches", "caches", "3 Unified 61440K 0-31", "3 Unified 61440K 0-15"),
    ("sockets", "lscpu", '"Socket(s):", "data": "2"', '"Socket(s):", "data": "1"'),
    ("cores_per_socket", "lscpu", '"data": "32"', '"data": "28"'),
    ("threads_per_core", "lscpu", '"Thread(s) per core:", "data": "1"', '"Thread(s) per core:", "data": "2"'),
    ("numa_nodes", "/sys/devices/system/node/has_cpu", "0-1", "0-3"),
    ("hypervisor", "lscpu", '"Virtualization:", "data": "VT-x"', '"Hypervisor vendor:", "data": "KVM"'),
    ("usable_cpus", "affinity", "0-15", "0-14"),
    ("usable_cpus", "cgroup.cpuset", "0-15", "0-7"),
    ("cpu_quota", "cgroup.cpu", "max 100000", "1550000 100000"),
    ("ram_gib", "/proc/meminfo", "528015360", "263855488"),
    ("memory_limit_gib", "cgroup.memory", "137438953472", "68719476736"),
    ("gpus", "nvml", "NVIDIA H200", "NVIDIA H100"),
    ("gpus", "nvml", str(143771 * 2**20), str(81559 * 2**20)),
    ("gpus", "nvml", "700000", "650000"),
    ("gpus", "nvml", '"pcie_generation": 5', '"pcie_generation": 4'),
    ("gpus", "nvml", '"pcie_width": 16', '"pcie_width": 8'),
    ("gpus", "nvml", '"mig": false', '"mig": true'),
    ("gpu_count", "nvml", "}]", '}, {"name": "NVIDIA H200"}]'),
    ("usable_cpus", "/sys/devices/system/cpu/online", "0-63", "0-11"),
    ("caches", "caches", "1 Data 48K 0\n", "1 Unified 48K 0\n"),
    ("caches", "caches", "1 Data 48K 0\n", ""),
    ("memory_limit_gib", "cgroup.memory", "137438953472\nmax", "max\nmax"),
    ("gpus", "nvml", '"name": "NVIDIA H200"', '"name": "NVIDIA H200 MIG 1g.18gb"'),
]

#: Source and its text on a machine of the same hardware in another state.
VOLATILE = [
    ("/proc/sys/kernel/osrelease", "5.14.0-427.el9.x86_64\n"),
    ("/proc/cpuinfo", "microcode\t: 0x2b000603\n"),
    ("/etc/os-release", 'PRETTY_NAME="Rocky Linux 9.4"\n'),
    ("/proc/sys/kernel/numa_balancing", "1\n"),
    ("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"),
    ("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"),
    ("/sys/devices/system/cpu/smt/control", "forceoff\n"),
    ("governors", "performance\n"),
    ("vulnerabilities", "meltdown: Mitigation: PTI\n"),
    ("container", "apptainer"),
    ("python", "3.13.1"),
    ("hostname", "another-node\n"),
]


@pytest.mark.parametrize("name", sorted(LABELS))
def test_label_of_a_recorded_machine(name: str, recorded: Recorded) -> None:
    """A recorded machine has the label that a person would give it."""
    assert fingerprint(recorded(name)).label == LABELS[name]


def test_every_record_is_listed_and_says_where_it_is_from() -> None:
    """No record lies about unused, and each names its source."""
    assert {path.stem for path in RECORDS} == set(LABELS)
    assert all(len(json.loads(path.read_text(encoding="utf-8"))["about"]) > 40 for path in RECORDS)


def test_recorded_machines_of_different_hardware_have_different_tags() -> None:
    """Machines of different hardware never share a tag."""
    again = {second for _, second in SAME}
    records = [path for path in RECORDS if path.stem not in again]
    assert len({fingerprint(read_record(path)).digest for path in records}) == len(records)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_recorded_machines_of_the_same_hardware_share_a_tag(one: str, other: str, recorded: Recorded) -> None:
    """The same hardware that others read years later, with other tools and settings, has the same tag."""
    assert recorded(one)["lscpu"] != recorded(other)["lscpu"]
    assert fingerprint(recorded(one)).tag == fingerprint(recorded(other)).tag


@pytest.mark.parametrize(("fact", "source", "old", "new"), DIFFERENCES)
def test_difference_in_one_fact(fact: str, source: str, old: str, new: str, recorded: Recorded) -> None:
    """A machine that differs in one identity fact has another tag, and differs in that fact."""
    one = recorded("h200x1-16c")
    text = one[source] or ""
    assert old in text
    base, other = fingerprint(one), fingerprint(one.changed({source: text.replace(old, new, 1)}))
    assert base.digest != other.digest
    assert fact in {name for name, value in base.identity.items() if other.identity[name] != value}


def test_every_identity_fact_is_tried() -> None:
    """The list of differences leaves out no fact of the identity."""
    facts = fingerprint(read_record(RECORDS[0])).identity
    assert {fact for fact, *_ in DIFFERENCES} == set(facts)


@pytest.mark.parametrize(("source", "text"), VOLATILE, ids=[source for source, _ in VOLATILE])
def test_state_is_not_hashed(source: str, text: str, recorded: Recorded) -> None:
    """Another kernel, microcode, governor, host name and the like leave the tag as it is."""
    one = recorded("h200x1-16c")
    assert fingerprint(one.changed({source: text})).tag == fingerprint(one).tag


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("lscpu", '"data": "3400.0000"', '"data": "4100.0000"'),
        ("lscpu", '"data": "4200.00"', '"data": "4199.98"'),
        ("lscpu", " ibrs_enhanced", " pti rtm hle tsx_force_abort"),
        ("lscpu", " invpcid_single", ""),
        ("lscpu", "fpu vme de", "de fpu vme"),
        ("nvml", "570.86.15", "580.95.05"),
        ("nvml", '"vbios": null', '"vbios": "96.00.BC.00.04"'),
        ("/proc/meminfo", "528015360", "527211044"),
        ("cgroup.memory", "max\n", "549755813888\n"),
    ],
)
def test_volatile_part_of_a_source(source: str, old: str, new: str, recorded: Recorded) -> None:
    """MHz, BogoMIPS, mitigation flags, driver, firmware and reserved memory leave the tag as it is."""
    one = recorded("h200x1-16c")
    text = one[source] or ""
    assert old in text
    assert fingerprint(one.changed({source: text.replace(old, new, 1)})).tag == fingerprint(one).tag


def test_state_is_recorded(recorded: Recorded) -> None:
    """What is not hashed is on record, readable and without the blanks of its files."""
    state = fingerprint(recorded("meteor-lake-22c")).state
    assert (state["microcode"], state["governor"], state["boost"]) == ("0x28", "powersave", "on")
    assert state["mitigations"]["vmscape"] == "Mitigation: IBPB before exit to userspace"
    assert "ibrs" in state["other_cpu_flags"]


def test_order_of_the_gpus_does_not_matter(recorded: Recorded) -> None:
    """Two different GPUs in swapped slots are the same machine."""
    one = recorded("h200x1-16c")
    first = json.loads(one["nvml"] or "")["gpus"][0]
    pair = [first, {**first, "name": "NVIDIA A100-PCIE-40GB"}]
    tags = {
        fingerprint(one.changed({"nvml": json.dumps({"driver": "1", "gpus": gpus})})).tag
        for gpus in itertools.permutations(pair)
    }
    assert len(tags) == 1
    assert tags.pop().startswith("gpux2-")


def test_mig_profile_and_memory(recorded: Recorded) -> None:
    """A MIG instance is named with its profile and memory, and keeps the board's link and power limit."""
    assert fingerprint(recorded("a100-mig-2x3g")).identity["gpus"][0] == {
        "name": "NVIDIA A100-SXM4-40GB",
        "memory_gib": 20,
        "power_limit_w": 400,
        "pcie_generation": 4,
        "pcie_width": 16,
        "mig_profile": "3g.20gb",
    }


def test_cache_sharing(recorded: Recorded) -> None:
    """Caches are counted with how many CPUs share each."""
    caches = fingerprint(recorded("epyc-7451-2x24c")).identity["caches"]
    assert caches[-1] == {"level": 3, "type": "Unified", "kib": 8192, "shared_by": 6, "count": 16}


def test_nodes_without_cpus_do_not_count(recorded: Recorded) -> None:
    """Of the 36 NUMA nodes of a Grace machine the four with CPUs count: the others are the driver's."""
    assert fingerprint(recorded("grace-4x72c")).identity["numa_nodes"] == 4


def test_quota_and_memory_limit(recorded: Recorded) -> None:
    """The tightest of nested limits counts, also where v1 says "unlimited" with a huge number."""
    identity = fingerprint(recorded("xeon-e5-xen-container-v1")).identity
    assert (identity["cpu_quota"], identity["memory_limit_gib"]) == (0.5, 0.5)


def test_no_source_at_all() -> None:
    """A machine of which nothing can be read has a fingerprint all the same, of unknown facts."""
    found = fingerprint(Sources({}))
    assert set(found.identity.values()) == {"unknown"}
    assert found.label == "unknown-xc-xg"


@pytest.mark.parametrize(
    ("source", "text", "fact"),
    [
        ("lscpu", "[" * 100_000, "cpu_name"),
        ("lscpu", '{"lscpu": [{"field": "Model name:", "data": "A\\u0000B"}]}', "cpu_name"),
        ("lscpu", '{"lscpu": [{"field": "Socket(s):", "data": "0"}]}', "sockets"),
        ("lscpu", '{"lscpu": {"field": ["Socket(s):"]}}', "sockets"),
        ("affinity", "7-3", "usable_cpus"),
        ("affinity", "0-999999", "usable_cpus"),
        ("cgroup.cpu", "-5 100000\n", "cpu_quota"),
        ("cgroup.cpu", "100000 0\n", "cpu_quota"),
        ("cgroup.memory", "lots\n", "memory_limit_gib"),
        ("/proc/meminfo", "MemTotal:       -1 kB\n", "ram_gib"),
        ("nvml", '{"gpus": [7]}', "gpus"),
        ("nvml", "\ufffd", "gpu_count"),
    ],
)
def test_absurd_value_is_unknown(source: str, text: str, fact: str) -> None:
    """Nothing negative, zero, endless or garbled becomes a fact."""
    assert fingerprint(Sources({source: text})).identity[fact] == "unknown"


@pytest.mark.parametrize(
    ("field", "value", "fact"),
    [
        ("name", "A\u0007B", "name"),
        ("name", 7, "name"),
        ("memory_bytes", -1, "memory_gib"),
        ("memory_bytes", 2**64 - 1, "memory_gib"),
        ("power_limit_mw", 0, "power_limit_w"),
        ("power_limit_mw", 1e300, "power_limit_w"),
        ("pcie_generation", 2**31, "pcie_generation"),
        ("pcie_width", "x16", "pcie_width"),
        ("mig", "N/A", "mig_profile"),
    ],
)
def test_absurd_value_of_a_gpu_is_unknown(field: str, value: object, fact: str, recorded: Recorded) -> None:
    """A driver that answers nonsense to one question makes that fact of the GPU unknown, and no other."""
    one = recorded("h200x1-16c")
    document = json.loads(one["nvml"] or "")
    document["gpus"][0][field] = value
    sane, found = (
        fingerprint(texts).identity["gpus"][0] for texts in (one, one.changed({"nvml": json.dumps(document)}))
    )
    assert found == {**sane, fact: "unknown"}


def test_negative_cache_is_unknown() -> None:
    """A cache of negative size is a cache of unknown size."""
    caches = fingerprint(Sources({"caches": "1 Data -48K 0-1\n"})).identity["caches"]
    assert caches == [{"level": 1, "type": "Data", "kib": "unknown", "shared_by": 2, "count": 1}]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mangled_source_never_raises(data: st.DataObject) -> None:
    """Whatever a source holds, there is a tag, safe as a folder's name, and its facts are proper JSON."""
    texts = read_record(data.draw(st.sampled_from(RECORDS)))
    name = data.draw(st.sampled_from(sorted(texts)))
    text = texts[name] or ""
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    middle = data.draw(
        st.one_of(st.text(max_size=20), st.sampled_from(["-1", "9" * 30, "NaN", "1e999", '"', "[["]))
    )
    found = fingerprint(texts.changed({name: text[:start] + middle + text[end:]}))
    assert SAFE_NAME.fullmatch(found.tag)
    assert json.loads(json.dumps(found.identity, allow_nan=False)) == found.identity
    json.dumps(found.state, allow_nan=False)


def test_fingerprint_is_quick() -> None:
    """Reading this machine takes at most 0.3 s."""
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        fingerprint()
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) <= 0.3
