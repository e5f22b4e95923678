import json
import tomllib
from importlib import resources

from mores.rate.export.codebook import RatedCategory, StudyFacts, Unblinded, codebook
from mores.rate.model import CANNOT_REASONS, SKIP_REASONS, RatingRow

FACTS = StudyFacts(
    study="wellbeing",
    version="1.0.0",
    charter_version="1.0.0",
    charter_digest="sha256:00",
    categories=(
        RatedCategory(id="abuse", title="Abuse", statement="Oppose violence."),
        RatedCategory(id="health", title="Health", statement="Support people."),
    ),
    anchors={"1": "contradicts it", "3": "neither", "5": "fully in its spirit"},
    items=2,
    per_item=2,
    seats=2,
    seed=7,
    raters_consented=2,
    raters_rated=2,
    app_version="0.1.0",
)


def row(item, rater, value, **changes):
    plain = {
        "item_id": item,
        "kind": "study",
        "category": "abuse",
        "rater": rater,
        "revision": 1,
        "current": True,
        "counted": True,
        "answer": "rate" if value else "cannot",
        "value": value,
        "at": "2026-11-21T09:00:00Z",
    }
    return RatingRow(**plain | changes)


ROWS = [
    row("a", "r1", 4, seconds=10.0, groups={"age": "18-29"}, item_flags=("names-itself",)),
    row("a", "r2", 4, seconds=30.0, groups={"age": "30+"}, item_flags=("names-itself",)),
    row("b", "r1", None, reason="empty", groups={"age": "18-29"}),
    row("b", "r2", 1, seconds=20.0, remark="x", flagged=True, kind="gold", counted=False),
]


def columns(book):
    return {column["name"]: column for column in book["columns"]}


def test_every_column_is_described_and_no_other():
    path = resources.files("mores.rate.export") / "data" / "columns.toml"
    described = tomllib.loads(path.read_text("utf-8"))["columns"]
    assert list(described) == list(RatingRow.__struct_fields__)
    book = codebook(FACTS, [])
    assert [c["name"] for c in book["columns"]] == list(RatingRow.__struct_fields__)
    for column in book["columns"]:
        assert column["meaning"].endswith(".")
        assert column["missing"]
        assert "unit" in column
        assert "allowed" in column


def test_types_are_those_of_the_parquet_file():
    import io

    import pyarrow.parquet as pq

    from mores.rate.export.formats import to_parquet

    schema = pq.read_schema(io.BytesIO(to_parquet([])))
    said = {"string": "string", "bool": "bool", "double": "float64"}
    for column in codebook(FACTS, [])["columns"]:
        found = str(schema.field(column["name"]).type)
        found = {"timestamp[us, tz=UTC]": "timestamp[us, UTC]"}.get(found, found)
        found = found.replace("list<element: string>", "list<string>")
        found = found.replace(" ('groups')", "")
        assert column["type"].endswith(f"({said.get(found, found)})"), column["name"]


def test_counts_of_values():
    """Counted by hand from ROWS."""
    book = codebook(FACTS, ROWS)
    assert (book["rows"]["n"], book["rows"]["items"], book["rows"]["raters"]) == (4, 2, 2)
    found = columns(book)
    assert found["value"]["counts"] == {"1": 1, "2": 0, "3": 0, "4": 2, "5": 0}
    assert found["value"]["absent"] == 1
    assert found["value"]["allowed"] == {
        "1": "contradicts it",
        "2": "",
        "3": "neither",
        "4": "",
        "5": "fully in its spirit",
    }
    assert found["answer"]["counts"] == {"rate": 3, "cannot": 1, "skip": 0, "withdraw": 0}
    assert found["kind"]["counts"] == {"study": 3, "gold": 1, "practice": 0}
    assert found["counted"]["counts"] == {"false": 1, "true": 3}
    assert found["flagged"]["counts"] == {"false": 3, "true": 1}
    assert found["flagged"]["absent"] == 0
    assert found["category"]["counts"] == {"abuse": 4, "health": 0}
    assert found["item_flags"]["counts"] == {"names-itself": 2}
    assert found["item_flags"]["absent"] == 2
    assert found["reason"]["counts"]["empty"] == 1
    assert found["reason"]["absent"] == 3
    assert set(found["reason"]["allowed"]) == {*SKIP_REASONS, *CANNOT_REASONS}
    assert found["remark"] == found["remark"] | {"distinct": 1, "absent": 3}
    assert found["item_id"]["distinct"] == 2
    # 10, 20 and 30 seconds; one row has none.
    seconds = found["seconds"]
    assert [seconds[k] for k in ("least", "median", "most", "absent")] == [10.0, 20.0, 30.0, 1]
    # Raters, not rows: r1 declared the same in two rows.
    assert found["groups"]["counts"] == {"age": {"18-29": 1, "30+": 1}}


def test_a_value_that_is_not_allowed_is_seen():
    found = columns(codebook(FACTS, [row("a", "r1", 4, category="old")]))
    assert found["category"]["counts"] == {"abuse": 0, "health": 0, "old": 1}


def test_without_rows_nothing_is_made_up():
    found = columns(codebook(FACTS, []))
    assert found["seconds"]["least"] is None
    assert found["groups"]["counts"] == {}
    assert set(found["value"]["counts"].values()) == {0}


def test_it_is_json():
    book = codebook(FACTS, ROWS)
    assert json.loads(json.dumps(book, allow_nan=False)) == book
    assert book["format"] == "mores-rating-codebook-1"
    assert book["study"]["charter_digest"] == "sha256:00"
    assert "apostrophe" in book["files"]["ratings.csv"]


def test_arms_after_unblinding_are_counted():
    import msgspec

    event = Unblinded(who="Ann", at="2026-11-22T20:28:00Z", ratings=1)
    facts = msgspec.structs.replace(FACTS, arms=("base",), unblinded=event)
    found = columns(codebook(facts, [row("a", "r1", 4, arm="base", model="m", seed=0)]))
    assert found["arm"]["counts"]["base"] == 1
    assert found["arm"]["absent"] == 0
    assert found["model"]["counts"] == {"m": 1}
    assert found["seed"]["counts"] == {"0": 1}
    assert found["draw"]["absent"] == 1
