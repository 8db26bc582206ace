from machmeter.gate.environments import variables


def test_threads_that_nobody_set_are_one() -> None:
    """OpenMP, the BLAS libraries and the rest."""
    given = variables({"PATH": "/bin"})
    assert given["PATH"] == "/bin"
    assert {given[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {"1"}


def test_threads_that_the_user_set_stay() -> None:
    """Whoever measures with eight threads knows why."""
    assert variables({"OMP_NUM_THREADS": "8"})["OMP_NUM_THREADS"] == "8"


def test_the_drivers_import_path_is_not_passed_on() -> None:
    """A benchmark process sees its own commit, not what the driver's shell has in front."""
    assert "PYTHONPATH" not in variables({"PYTHONPATH": "/somewhere"})


def test_the_drivers_environment_is_left_alone() -> None:
    """A new mapping is made."""
    mine = {"PATH": "/bin"}
    variables(mine)
    assert mine == {"PATH": "/bin"}
