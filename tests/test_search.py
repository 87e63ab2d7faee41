"""The index of the search: which words lead to which place."""

from collections import Counter

from docutils import nodes

from bookkit.search_index import MOST_PLACES, Place, Reader, best_output, packed, share, word_index, words_of


def unpacked(entries):
    place, found = 0, []
    for entry in entries:
        place += entry // 10
        found.append((place, entry % 10))
    return found


def test_a_name_is_found_whole_and_in_its_parts():
    assert list(words_of("optimizer.zero_grad()")) == ["optimizer", "zero_grad", "zero", "grad"]
    assert list(words_of("x.add_(1)")) == ["x", "add_", "add"]
    assert list(words_of("the 64 images and NaN")) == ["images", "nan"]


def test_packing_loses_nothing_but_the_least():
    assert unpacked(packed([(3, 0.5), (7, 0.9), (120, 0.1)])) == [(3, 2), (7, 3), (120, 1)]
    many = [(number, 0.5 + 0.01 * (number == 500)) for number in range(1000)]
    kept = unpacked(packed(many))
    assert len(kept) == MOST_PLACES
    assert (500, 2) in kept


def test_a_place_that_is_more_about_a_word_weighs_more():
    assert share(1, 1.0) < share(9, 1.0) < 1
    assert share(1, 3.0) < share(1, 0.1)
    places = [Place("a", "x", "X", words=Counter({"rare": 1, "often": 9})), Place("a", "y", "Y", words=Counter(rare=8))]
    index = word_index(places)
    assert [place for place, _ in unpacked(index["rare"])] == [0, 1]
    assert [place for place, _ in unpacked(index["often"])] == [0]


def test_a_page_is_read_into_its_sections():
    inner = nodes.section("", nodes.title("", "Broadcasting"), nodes.paragraph("", "inner words"), ids=["broadcasting"])
    outer = nodes.section("", nodes.title("", "Tensors"), nodes.paragraph("", "outer words"), inner, ids=["tensors"])
    reader = Reader("page", {})
    reader.read(outer, None)
    top, section = reader.places
    assert (top.anchor, top.title, set(top.words)) == ("", "Tensors", {"tensors", "outer", "words"})
    assert (section.anchor, set(section.words)) == ("broadcasting", {"broadcasting", "inner", "words"})


def test_of_a_picture_only_the_description_is_read():
    picture = nodes.container("", nodes.image(alt="a falling curve"), mime_type="image/png")
    words = nodes.container("", nodes.paragraph("", "<Figure size 640x480>"), mime_type="text/plain")
    assert best_output(nodes.container("", words, picture)) == [picture]
    assert best_output(nodes.container("", words)) == [words]
