"""Acquiring EDRs, against a server on 127.0.0.1."""

import pytest

from nightside.config import ConfigError, load
from nightside.optical.acquire import NoImages, acquire, products
from nightside.optical.archive import candidates, index_path, volumes

LEFT, RIGHT = "M103595705LE", "M103595705RE"


@pytest.fixture
def settings_for(archive_server):
    def make(**images):
        given = {"source": "pds", "archive_url": archive_server.url, "retries": 0, "timeout_s": 10} | images
        return load(
            {
                "name": "test",
                "region": {"longitude_deg": 0, "latitude_deg": -43, "width_km": 4, "pixels_per_degree": 128},
                "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
                "synthetic": {},
                "optical": {"images": given},
            }
        )

    return make


@pytest.fixture
def image(write_edr):
    def make(product=LEFT, seed=0):
        path, _, _ = write_edr(product_id=product, seed=seed, name=f"made/{product}.IMG")
        return path.read_bytes()

    return make


def listed(inventory):
    return [file["product_id"] for file in inventory["files"]]


def test_products_are_fetched_by_id_and_not_twice(archive_server, settings_for, image, tmp_path):
    for product in (LEFT, RIGHT):
        archive_server.files["/" + candidates(product)[0]] = image(product)
    settings, folder = settings_for(products=[LEFT, RIGHT]), tmp_path / "nac"
    inventory = acquire(settings, folder)
    assert listed(inventory) == [LEFT, RIGHT]
    assert (folder / f"{RIGHT}.IMG").read_bytes() == image(RIGHT)
    assert acquire(settings, folder) == inventory
    assert archive_server.requests["/" + candidates(LEFT)[0]] == 1


def test_a_broken_line_is_resumed(archive_server, settings_for, image, tmp_path):
    path = "/" + candidates(LEFT)[0]
    body = archive_server.files[path] = image()
    archive_server.faults[path] = ["drop"]
    settings = settings_for(products=[LEFT])
    with pytest.raises(NoImages, match=r"all 1 downloads failed, the first: .* the line broke"):
        acquire(settings, tmp_path / "nac")
    assert listed(acquire(settings, tmp_path / "nac")) == [LEFT]
    assert archive_server.sent[path] == len(body)


def test_a_download_with_a_wrong_md5_is_set_aside_and_named(archive_server, settings_for, image, tmp_path):
    good, bad = ("/" + candidates(p)[0] for p in (LEFT, RIGHT))
    archive_server.files = {good: image(LEFT), bad: image(RIGHT)[:-9] + b"corrupted"}
    inventory = acquire(settings_for(products=[LEFT, RIGHT]), tmp_path / "nac")
    assert listed(inventory) == [LEFT]
    assert "MD5_CHECKSUM is" in inventory["failed"][RIGHT]
    assert f"{RIGHT}.IMG.bad" in inventory["failed"][RIGHT]
    assert (tmp_path / "nac" / f"{RIGHT}.IMG.bad").exists()
    assert not (tmp_path / "nac" / f"{RIGHT}.IMG").exists()


def test_a_file_that_was_damaged_on_disk_is_fetched_again(archive_server, settings_for, image, tmp_path):
    archive_server.files["/" + candidates(LEFT)[0]] = image()
    settings = settings_for(products=[LEFT])
    acquire(settings, tmp_path)
    (tmp_path / f"{LEFT}.IMG").write_bytes(image()[:-1] + b"x")
    assert listed(acquire(settings, tmp_path)) == [LEFT]
    assert (tmp_path / f"{LEFT}.IMG").read_bytes() == image()


def test_a_product_in_a_less_likely_place_is_found(archive_server, settings_for, image, tmp_path):
    product = "M139253175RE"  # the last day of a phase
    archive_server.files["/" + candidates(product)[1]] = image(product)
    assert listed(acquire(settings_for(products=[product]), tmp_path / "nac")) == [product]


def test_a_product_in_an_unlikely_place_is_found_by_the_index_which_is_kept(
    archive_server, settings_for, image, tmp_path
):
    path = f"LRO-L-LROC-2-EDR-V1.0/{volumes(LEFT)[0]}/DATA/XYZ/2009211/NAC/{LEFT}.IMG"
    row = f'"{volumes(LEFT)[0]}","{path}  ","x"\r\n'
    index = "/" + index_path(volumes(LEFT)[0])
    archive_server.files = {f"/{path}": image(), index: row.encode()}
    settings = settings_for(products=[LEFT])
    assert listed(acquire(settings, tmp_path / "nac")) == [LEFT]
    (tmp_path / "nac" / f"{LEFT}.IMG").unlink()
    acquire(settings, tmp_path / "nac")
    assert archive_server.requests[index] == 1


def test_an_address_is_used_as_it_is(archive_server, settings_for, image, tmp_path):
    archive_server.files[f"/mirror/{LEFT}.IMG"] = image()
    settings = settings_for(
        products=[f"{archive_server.url}/mirror/{LEFT}.IMG"], archive_url="http://127.0.0.1:9"
    )
    assert listed(acquire(settings, tmp_path / "nac")) == [LEFT]


def test_a_list_file_has_remarks_and_its_faults_have_a_line(settings_for, tmp_path):
    names = tmp_path / "products.txt"
    names.write_text(f"# Haworth\n\n{LEFT}  # left\n{RIGHT}\n{LEFT}\n")
    assert products(settings_for(products_file=str(names))) == [LEFT, RIGHT]
    assert products(settings_for(products=[RIGHT], products_file=str(names))) == [RIGHT, LEFT]
    names.write_text(f"{LEFT}\nM103595705LC\n")
    with pytest.raises(ConfigError, match=r"products.txt, line 2: .*\(CDR\); its EDR is M103595705LE"):
        products(settings_for(products_file=str(names)))
    names.unlink()
    with pytest.raises(ConfigError, match=r"products\.txt: cannot be read"):
        products(settings_for(products_file=str(names)))


def test_what_the_archive_does_not_have_is_missing(archive_server, settings_for, image, tmp_path):
    archive_server.files["/" + candidates(LEFT)[0]] = image()
    inventory = acquire(settings_for(products=[LEFT, RIGHT]), tmp_path / "nac")
    assert (listed(inventory), inventory["missing"], inventory["failed"]) == ([LEFT], [RIGHT], {})
    with pytest.raises(NoImages, match=f"has none of the 1 products, the first: {RIGHT}; check the ids"):
        acquire(settings_for(products=[RIGHT]), tmp_path / "nac")


def test_darks_have_a_list_of_their_own(archive_server, settings_for, image, tmp_path):
    for product in (LEFT, RIGHT):
        archive_server.files["/" + candidates(product)[0]] = image(product)
    settings = settings_for(products=[LEFT], darks={"products": [RIGHT]})
    assert listed(acquire(settings, tmp_path, "darks")) == [RIGHT]
    assert listed(acquire(settings, tmp_path, "images")) == [LEFT]
    assert acquire(settings_for(products=[LEFT]), tmp_path, "darks")["files"] == []


def test_a_local_folder_is_listed_all_of_it_or_by_the_list(settings_for, image, tmp_path):
    folder = tmp_path / "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    (folder / "below").mkdir(parents=True)
    (folder / f"{LEFT.lower()}.img").write_bytes(image())
    (folder / "below" / f"{RIGHT}.IMG").write_bytes(image(RIGHT))
    (folder / "notes.IMG").write_bytes(b"")
    local = {"source": "local", "folder": str(folder)}
    assert sorted(listed(acquire(settings_for(**local), folder))) == [LEFT, RIGHT]
    assert listed(acquire(settings_for(**local, darks={"products": [RIGHT]}), folder)) == [LEFT]
    only = settings_for(**local, products=[RIGHT, "M1234567890LE"])
    inventory = acquire(only, folder)
    assert (listed(inventory), inventory["missing"]) == ([RIGHT], ["M1234567890LE"])
    with pytest.raises(NoImages, match="none of the 1 products is in it or below"):
        acquire(settings_for(**local, products=["M1234567890LE"]), folder)
    with pytest.raises(NoImages, match="no NAC EDR"):
        acquire(settings_for(**local), empty)
    with pytest.raises(NoImages, match="no such folder"):
        acquire(settings_for(**local), tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({"source": "pds"}, "source 'pds' needs 'products'"),
        ({"source": "local"}, "source 'local' needs 'folder'"),
        ({"products": ["M103595705L"]}, "lacks the camera; give M103595705LE or M103595705RE"),
        ({"products": ["M103595705RC"]}, "its EDR is M103595705RE"),
        ({"products": ["Haworth"]}, "is no NAC EDR; give an id such as"),
        ({"products": ["https://a.b/c/index.html"]}, "names no NAC EDR; an address ends like"),
    ],
)
def test_a_wrong_section_is_explained(settings_for, images, message):
    with pytest.raises(ConfigError, match=message):
        settings_for(**images)
