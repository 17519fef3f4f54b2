"""Who waits for a compiler is told so, and nobody else."""

import logging

import numba

from nightside.physics.compilation import announced


def test_it_is_said_once_where_something_is_compiled_and_not_where_it_is_there(caplog):
    @numba.njit
    def one(x):
        return x + 1

    @numba.njit
    def two(x):
        return 2 * one(x)

    with caplog.at_level(logging.WARNING):
        with announced("two"):
            assert two(1) == 4
        with announced("two"):
            assert two(1.5) == 5.0
        assert [record.getMessage() for record in caplog.records] == [
            "compiling two, which takes a minute or two, once for a version of nightside"
        ]
        caplog.clear()
        with announced("a second call"):
            assert two(2) == 6
        numba.njit(lambda x: x)(1)
    assert not caplog.records
