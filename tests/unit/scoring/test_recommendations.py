"""Affinity, lists and basket pairs: what is learnt, what is never recommended, and what the figures mean."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from rapport.scoring import baskets, recommend
from rapport.scoring.affinity import Affinity, Ease, ItemCosine, Rp3Beta, affinity_for, top_columns
from rapport.scoring.baskets import BasketPairs, wilson_low
from rapport.scoring.matrices import Incidence
from rapport.scoring.recommend import Popular, forbidden, hold_out, learnable, ndcg, replenishment_days

UNTIL = pd.Timestamp("2026-06-30")
METHODS = {"ease": Ease, "item_cosine": ItemCosine, "rp3beta": Rp3Beta}


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """400 customers of two tastes over 300 days; `all` is in every second basket, whatever the taste."""
    rng = np.random.default_rng(11)
    rows = []
    for number in range(400):
        taste = "ab"[number % 2]
        for order in range(rng.integers(1, 6)):
            day = UNTIL - pd.Timedelta(days=int(rng.integers(0, 300)))
            chosen = [f"{taste}{k}" for k in rng.choice(20, rng.integers(1, 4), replace=False)]
            chosen += ["all"] if rng.random() < 0.5 else []
            rows += [(f"o{number}-{order}", f"c{number}", product, day) for product in chosen]
    return pd.DataFrame(rows, columns=["order_id", "customer_id", "product_id", "day"])


def fit(kind: type[Affinity], lines: pd.DataFrame) -> Affinity:
    return kind().fit(Incidence.of(lines, "customer_id"))


@pytest.mark.parametrize("name", list(METHODS))
def test_products_of_one_taste_speak_for_each_other(name: str, lines: pd.DataFrame) -> None:
    model = fit(METHODS[name], lines)
    weights = model.weights if isinstance(model.weights, np.ndarray) else model.weights.toarray()
    place = model.products.get_indexer(["a1", "a2", "b1"])
    assert weights[place[0], place[1]] > weights[place[0], place[2]]
    assert (np.diag(weights) == 0).all()


def test_ease_is_the_closed_form_of_its_paper(lines: pd.DataFrame) -> None:
    bought = Incidence.of(lines, "customer_id")
    x = bought.matrix.toarray().astype(float)
    p = np.linalg.inv(x.T @ x + 50.0 * np.eye(x.shape[1]))
    expected = p / -np.diag(p)
    np.fill_diagonal(expected, 0.0)
    assert Ease(50.0).fit(bought).weights == pytest.approx(expected, abs=1e-4)


def test_item_cosine_is_the_cosine_of_buyers(lines: pd.DataFrame) -> None:
    bought = Incidence.of(lines, "customer_id")
    x = bought.matrix.toarray()
    weights = ItemCosine().fit(bought).weights.toarray()
    cosine = x[:, 3] @ x[:, 7] / np.linalg.norm(x[:, 3]) / np.linalg.norm(x[:, 7])
    assert weights[3, 7] == pytest.approx(cosine, rel=1e-5)


def test_neighbours_are_kept_where_an_inversion_would_be_too_large() -> None:
    assert isinstance(affinity_for(4_000), Ease)
    assert isinstance(affinity_for(4_001), Rp3Beta)


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_beats_popularity_on_days_it_has_not_seen(name: str, lines: pd.DataFrame) -> None:
    cut = UNTIL - pd.Timedelta(days=90)
    (value, popular), judged = hold_out(lines, cut, UNTIL, [METHODS[name](), Popular()])
    assert judged > 100
    assert value > 1.15 * popular


def test_lists_hold_nothing_banned_or_unavailable_and_give_a_reason_from_the_history(lines: pd.DataFrame) -> None:
    returned = pd.DataFrame({"customer_id": ["c0", "c2"], "product_id": ["a5", "a6"]})
    banned = forbidden(lines, returned, UNTIL)
    model = fit(Ease, learnable(lines))
    available = pd.Index([product for product in model.products if product != "a7"])
    lists = recommend.recommend(model, lines, banned, available)
    assert len(lists) > 1_000
    assert lists.merge(banned, on=["customer_id", "product_id"]).empty
    assert "a7" not in set(lists["product_id"])
    owned = set(map(tuple, lines[["customer_id", "product_id"]].to_numpy()))
    assert all(pair in owned for pair in map(tuple, lists[["customer_id", "because_product_id"]].to_numpy()))
    for _, one in lists.groupby("customer_id"):
        assert one["rank"].tolist() == list(range(1, len(one) + 1))
        assert one["score"].is_monotonic_decreasing


@pytest.mark.parametrize("name", ["ease", "rp3beta"])
def test_dense_and_sparse_weights_give_whole_lists(name: str, lines: pd.DataFrame) -> None:
    model = fit(METHODS[name], lines)
    banned = forbidden(lines, lines.head(0), UNTIL)
    lists = recommend.recommend(model, lines, banned, model.products, length=4)
    assert lists.groupby("customer_id").size().max() == 4
    same_taste = lists["product_id"].str[0].to_numpy() == np.where(
        lists["customer_id"].str[1:].astype(int) % 2, "b", "a"
    )
    assert same_taste[lists["product_id"] != "all"].mean() > 0.9


def test_what_gets_used_up_is_recommended_again_once_it_is_due() -> None:
    rows = [(f"c{n}", "coffee", UNTIL - pd.Timedelta(days=30 * k + n)) for n in range(10) for k in range(4)]
    rows += [(f"c{n}", "lamp", UNTIL - pd.Timedelta(days=200)) for n in range(10)]
    lines = pd.DataFrame(rows, columns=["customer_id", "product_id", "day"])
    assert replenishment_days(lines).to_dict() == {"coffee": 30.0}
    just_bought = set(map(tuple, forbidden(lines, lines.head(0), UNTIL + pd.Timedelta(days=22)).to_numpy()))
    assert {("c9", "lamp"), ("c0", "lamp"), ("c0", "coffee")} <= just_bought
    assert ("c9", "coffee") not in just_bought
    returned = pd.DataFrame({"customer_id": ["c9"], "product_id": ["coffee"]})
    assert ("c9", "coffee") in set(map(tuple, forbidden(lines, returned, UNTIL + pd.Timedelta(days=22)).to_numpy()))


def test_ndcg_is_one_for_a_perfect_list_and_discounts_by_place() -> None:
    truth = csr_matrix(np.array([[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    perfect = np.array([[0, 1], [3, 2], [0, 1]])
    assert ndcg(perfect, truth, 2) == (pytest.approx(1.0), 2)
    late = np.array([[2, 0], [2, 3], [0, 1]])
    gain = 1 / np.log2(3)
    assert ndcg(late, truth, 2)[0] == pytest.approx((gain / (1 + gain) + gain) / 2)
    assert ndcg(np.full((3, 2), -1), truth, 2)[0] == 0.0


def test_top_columns_are_the_largest_in_order() -> None:
    scores = np.array([[1.0, 5.0, 3.0, 5.0], [-np.inf, 0.0, -1.0, 2.0]])
    assert top_columns(scores, 3).tolist() == [[1, 3, 2], [3, 1, 2]]
    assert top_columns(scores, 9).shape == (2, 4)


@pytest.fixture(scope="module")
def pairs(lines: pd.DataFrame) -> pd.DataFrame:
    tea = [(f"t{n}", f"x{n}", product, UNTIL) for n in range(40) for product in ("tea", "milk")]
    return BasketPairs().fit(pd.concat([lines, pd.DataFrame(tea, columns=lines.columns)])).predict()


def test_pairs_say_how_often_and_how_much_more_than_by_chance(pairs: pd.DataFrame, lines: pd.DataFrame) -> None:
    tea = pairs[pairs["product_id"] == "tea"].iloc[0]
    orders = lines["order_id"].nunique() + 40
    assert (tea["companion_id"], tea["rank"], tea["orders_count"], tea["confidence"]) == ("milk", 1, 40, 1.0)
    assert tea["support"] == pytest.approx(40 / orders)
    assert tea["lift"] == pytest.approx(orders / 40)
    assert 0.9 < tea["confidence_low"] < 1.0


def test_what_everybody_buys_anyway_is_no_companion(pairs: pd.DataFrame) -> None:
    assert not ((pairs["product_id"].str[0] == "a") & (pairs["companion_id"].str[0] == "b")).any()
    assert (pairs["lift"] > 1.0).all()


def test_huge_orders_do_not_make_pairs() -> None:
    rows = [(f"o{n}", f"p{k}") for n in range(10) for k in range(baskets.LARGEST_BASKET + 1)]
    assert BasketPairs().fit(pd.DataFrame(rows, columns=["order_id", "product_id"])).predict().empty


def test_wilson_bound_is_the_textbook_value() -> None:
    # Wilson 1927: 8 of 10 with z = 1.645 (one-sided 95 %) has the lower bound 0.541.
    assert wilson_low(np.array([8.0]), np.array([10.0]))[0] == pytest.approx(0.541, abs=0.001)


def test_both_scores_are_judged_on_later_days(lines: pd.DataFrame) -> None:
    verdict = recommend.judge(lines, UNTIL)
    assert verdict.passed
    assert verdict.model == "ease"
    pair_verdict = baskets.judge(lines, UNTIL)
    assert pair_verdict.value is None or pair_verdict.rows > 0


def test_a_tiny_shop_is_not_judged(lines: pd.DataFrame) -> None:
    for judge in (recommend.judge, baskets.judge):
        for few in (lines.head(12), lines.head(0)):
            verdict = judge(few, UNTIL)
            assert not verdict.passed
            assert "too few" in str(verdict)
