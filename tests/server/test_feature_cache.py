"""The cache of features: never over its bytes, least recently used out first."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from mmjudge.server.feature_cache import FeatureCache

LIMIT = 20
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["get", "put"]), st.integers(0, 6), st.integers(0, LIMIT + 5))
)


@given(STEPS)
def test_it_keeps_what_a_plain_model_keeps(steps: list[Step]) -> None:
    cache, model = FeatureCache(LIMIT), OrderedDict[int, tuple[int, int]]()
    hits = misses = 0
    for number, (what, key, size) in enumerate(steps):
        if what == "get":
            wanted = model.get(key)
            assert cache.get(key) == (wanted and wanted[0])
            hits, misses = hits + (wanted is not None), misses + (wanted is None)
            if wanted is not None:
                model.move_to_end(key)
        else:
            cache.put(key, number + 1, size)
            if size <= LIMIT:
                model[key] = (number + 1, size)
                model.move_to_end(key)
                while sum(held for _, held in model.values()) > LIMIT:
                    model.popitem(last=False)
        assert cache.bytes == sum(held for _, held in model.values()) <= LIMIT
        assert len(cache) == len(model)
    assert (cache.hits, cache.misses) == (hits, misses)
    assert [cache.get(key) for key in range(7)] == [
        model[key][0] if key in model else None for key in range(7)
    ]


def test_a_value_as_large_as_the_cache_is_kept_alone_and_a_larger_one_changes_nothing() -> None:
    cache = FeatureCache(10)
    cache.put("a", 1, 4)
    cache.put("b", 2, 11)
    assert (cache.get("a"), cache.get("b"), cache.bytes) == (1, None, 4)
    cache.put("c", 3, 10)
    assert (cache.get("a"), cache.get("c"), cache.bytes) == (None, 3, 10)


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = FeatureCache(0)
    cache.put("a", 1, 1)
    assert cache.get("a") is None and cache.bytes == len(cache) == 0
