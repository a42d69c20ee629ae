"""Who is answered, and what the server says to nonsense. No browser."""

import http.client
import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.studio import desk, server


def ask(studio, path, body=None, *, token=True, **headers):
    """Status and answer, as JSON if it is."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers.setdefault("X-KineBench-Token", studio.token)
    request = urllib.request.Request(studio.url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, data, found = answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        status, data, found = error.code, error.read(), error.headers
    return status, json.loads(data) if found["Content-Type"] == "application/json" else data


@pytest.fixture(scope="module")
def dropped(studio, linen_file):
    status, photo = ask(studio, "/api/photo?name=my%20linen.jpg", linen_file.read_bytes())
    assert status == 200 and photo["key"] == "my_linen" and photo["shown"] == [0, 0, 720, 480]
    return photo["photo"]


def wish(photo, **more):
    mask = np.zeros((480, 720), bool)
    mask[100:200, 500:590] = True
    objects = [{"mask": desk.packed(mask), "arrow": [540, 140, 450, 330], "speed_mps": None, "name": ""}]
    return {
        "photo": photo,
        "key": "linen",
        "objects": objects,
        "camera": desk.start({})["camera"],
        "prompt": "It slides.",
    } | more


def test_only_the_page_of_this_session_is_answered(studio):
    assert ask(studio, "/api/start")[0] == 200
    assert ask(studio, "/api/start", token=False)[0] == 403
    assert ask(studio, "/api/start", token=False, X_KineBench_Token="guess")[0] == 403
    assert ask(studio, "/", token=False)[0] == 403
    assert ask(studio, f"/?token={studio.token}", token=False)[0] == 200
    assert ask(studio, "/api/photo", b"x", token=False)[0] == 403


def test_other_sites_and_other_names_are_refused(studio):
    assert ask(studio, "/api/start", Origin="https://example.com")[0] == 403
    assert ask(studio, "/api/start", Origin="null")[0] == 403
    assert ask(studio, "/api/start", Origin=studio.url)[0] == 200
    port = urlsplit(studio.url).port
    assert ask(studio, "/api/start", Host=f"rebound.example.com:{port}")[0] == 403
    assert ask(studio, "/api/start", Host=f"localhost:{port}")[0] == 200


def test_it_listens_on_this_machine_alone(studio):
    assert urlsplit(studio.url).hostname == "127.0.0.1"
    with pytest.raises(KineBenchError, match="cannot be used"):
        server.opened(studio.session, urlsplit(studio.url).port)


def test_the_page_may_load_nothing_from_elsewhere(studio):
    with urllib.request.urlopen(studio.address, timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "http" not in policy
    for path in server.PAGE.iterdir():
        assert "http" not in path.read_text(), path


def test_no_path_leaves_the_page_folder(studio):
    for path in (
        "/page/../server.py",
        "/page/..%2fserver.py",
        "/page/",
        "/etc/passwd",
        "/api/job/../x",
        "/api/video/x",
    ):
        assert ask(studio, path)[0] in (400, 404)


def test_a_body_too_large_is_not_read(studio):
    for path, size in (("/api/photo", server.PHOTO_BYTES + 1), ("/api/mask", server.JSON_BYTES + 1)):
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(studio.url).port, timeout=10)
        connection.putrequest("POST", path)
        connection.putheader("X-KineBench-Token", studio.token)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413 and "too much" in json.loads(answer.read())["error"]
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/api/mask", b"{", "no JSON"),
        ("/api/mask", b"[]", "no table"),
        ("/api/mask", b'{"photo": "x", "point": [1, 2]}', "not here any more"),
        ("/api/photo", b"no picture", "no picture that can be read"),
        ("/api/cancel/x", b"{}", "no such run"),
    ],
)
def test_nonsense_gets_one_message(studio, path, body, message):
    status, answer = ask(studio, path, body)
    assert status == 400 and message in answer["error"]


def test_bad_wishes_get_one_message(studio, dropped):
    good = wish(dropped)
    thing = good["objects"][0]
    for change, message in (
        ({"objects": []}, "nothing is driven"),
        ({"objects": "x"}, "list of tables"),
        ({"objects": [thing | {"arrow": [1, 2]}]}, "arrow has 4 numbers"),
        ({"objects": [thing | {"arrow": [540, 140, 540, 140]}]}, "has no length"),
        ({"objects": [thing | {"arrow": [540, 140, 740, 140]}]}, "outside"),
        ({"objects": [thing | {"arrow": [50, 400, 90, 400]}]}, "object 1: its tail is on the background"),
        ({"objects": [thing | {"mask": "AAAA"}]}, "720x480"),
        ({"objects": [thing | {"speed_mps": -1}]}, "no speed"),
        ({"camera": {"pitch_deg": 1}}, "camera: "),
        ({"prompt": 3}, "prompt is text"),
    ):
        status, answer = ask(studio, "/api/condition", json.dumps(good | change).encode())
        assert status == 400 and message in answer["error"], answer
    status, answer = ask(studio, "/api/condition", json.dumps(good).encode())
    assert status == 200 and answer["prompt"] == "It slides."
    status, answer = ask(studio, "/api/run", json.dumps(good | {"method": "nobody"}).encode())
    assert status == 400 and "no method 'nobody'" in answer["error"]
    assert ask(studio, "/api/run", json.dumps(good | {"method": "oracle"}).encode())[0] == 400


def test_a_click_on_the_background_is_told(studio, dropped):
    status, answer = ask(studio, "/api/mask", json.dumps({"photo": dropped, "point": [300, 400]}).encode())
    assert status == 400 and "looks like the background" in answer["error"]


def test_boxes_and_photos_again(studio, dropped):
    status, answer = ask(studio, "/api/mask", json.dumps({"photo": dropped, "box": [490, 80, 600, 200]}).encode())
    assert status == 200 and 5000 < desk.unpacked(answer["mask"]).sum() < 110 * 120
    for box, message in (([1, 2, 3], "box has 4 numbers"), ([9e5, 9e5, 9e5, 9e5], "no object was found")):
        status, answer = ask(studio, "/api/mask", json.dumps({"photo": dropped, "box": box}).encode())
        assert status == 400 and message in answer["error"]
    status, again = ask(studio, f"/api/photo/{dropped}")
    assert status == 200 and again["photo"] == dropped and again["key"] == "my_linen"
    assert ask(studio, "/api/photo/none")[0] == 400
    assert ask(studio, f"/api/photo/{dropped}", token=False)[0] == 403


def test_words_that_no_file_can_hold(studio, dropped):
    odd = json.dumps(wish(dropped, prompt="a \ud800 cup")).encode()
    status, answer = ask(studio, "/api/export", odd)
    assert status == 400 and "is no UTF-8" in answer["error"]


def test_masks_survive_the_way():
    mask = np.random.default_rng(0).random((480, 720)) < 0.5
    np.testing.assert_array_equal(desk.unpacked(desk.packed(mask)), mask)
