"""The table of assets."""

import msgspec
import pytest

from mores.errors import AssetError
from mores.weights.assets import Asset, find_asset, read_table
from mores.weights.assets.convert import find_converter
from mores.weights.assets.table import parse_table

ROW = """
[[assets]]
name = "a"
kind = "data"
title = "t"
package = "Fake_Pkg.x"
version = "1.0"
sha256 = "%s"
bytes = 5
members = ["fake/data.txt"]
license = "MIT"
converter = "copy"
""" % ("0" * 64)


def test_the_shipped_table_is_whole():
    names = [asset.name for asset in read_table()]
    assert names == [
        "smollm2-135m",
        "gemma3-270m",
        "alt-profanity-check",
        "toxicityclassifier",
        "vader-lexicon",
        "capability-tasks",
    ]


@pytest.mark.parametrize("asset", list(read_table()), ids=str)
def test_every_converter_exists(asset):
    assert callable(find_converter(asset.converter))


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(AssetError, match="did you mean 'vader-lexicon'") as caught:
        find_asset("vader-lexikon")
    assert "capability-tasks" in str(caught.value)


def test_an_unknown_converter_is_refused():
    with pytest.raises(AssetError, match="unknown converter 'copie'; did you mean 'copy'"):
        find_converter("copie")


def test_package_names_are_normalised_as_in_wheel_file_names():
    # Wheel specification: runs of - _ . become one _, letters lower case.
    (asset,) = parse_table(ROW, path="t.toml").assets
    assert asset.wheel_prefix == "fake_pkg_x-1.0-"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bytes = 5", "bytes = 0"), "bytes"),
        (('license = "MIT"\n', ""), "missing field `license`"),
        (('license = "MIT"', 'license = "MIT"\ncolour = 1'), "colour"),
        (("fake/data.txt", "../data.txt"), "leaves the wheel"),
        (("fake/data.txt", "/etc/data.txt"), "leaves the wheel"),
        (("0" * 64, "0" * 63), "sha256"),
        (("[[assets]]", "[[assets]"), "line"),
    ],
)
def test_a_wrong_table_is_refused(change, message):
    with pytest.raises(AssetError, match=message):
        parse_table(ROW.replace(*change), path="t.toml")


def test_a_name_used_twice_is_refused():
    with pytest.raises(AssetError, match="two assets are named 'a'"):
        parse_table(ROW + ROW, path="t.toml")


def test_members_are_checked_outside_a_table_too():
    (asset,) = parse_table(ROW, path="t.toml").assets
    fields = {**msgspec.to_builtins(asset), "members": ("a/../../b",)}
    with pytest.raises(ValueError, match="leaves the wheel"):
        Asset(**fields)
