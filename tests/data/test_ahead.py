"""Working ahead: results in order, errors in their place, and never far ahead."""

import pytest

from reidlib.data.ahead import ahead


@pytest.mark.parametrize(("threads", "depth"), [(1, 1), (1, 3), (4, 8)])
def test_results_come_in_order_and_never_run_far_ahead(threads, depth):
    asked = []

    def items():
        for i in range(30):
            asked.append(i)
            yield i

    for got, result in enumerate(ahead(lambda i: i * i, items(), threads=threads, depth=depth)):
        assert result == got * got
        assert len(asked) <= got + 1 + depth
    assert asked == list(range(30))


def test_an_error_comes_out_in_its_place():
    results = ahead(lambda i: 1 // (3 - i), range(9), threads=2, depth=4)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
