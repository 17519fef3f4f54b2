import pytest

from nightside.learning import Batches


def test_processes_share_an_epoch_without_overlap() -> None:
    shares = [[i for batch in Batches(100, 10, 1, rank, 2) for i in batch] for rank in (0, 1)]
    assert sorted(shares[0] + shares[1]) == list(range(100))


def test_order_depends_on_seed_and_epoch_alone() -> None:
    first, second = Batches(50, 10, 1), Batches(50, 10, 1)
    assert list(first) == list(second)
    second.set_epoch(1)
    assert list(first) != list(second)


def test_unshuffled_batches_keep_the_rest() -> None:
    assert [len(b) for b in Batches(25, 10, 1, shuffle=False)] == [10, 10, 5]


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="too few for 4 processes"):
        Batches(3, 10, 1, 0, 4)
