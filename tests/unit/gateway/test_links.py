from signoff.gateway.links import Links

RESPONSE = {
    "data": {"operation": "human", "_resume": {"apiUrl": "/api/x", "uiUrl": "/x", "contextId": "c"}},
    "status": 200,
}


def test_links_of_a_pause_begin_with_the_public_address() -> None:
    links = Links("https://signoff.example/base/")

    assert links.pause(RESPONSE)["data"]["_resume"] == {
        "apiUrl": "https://signoff.example/base/api/x",
        "uiUrl": "https://signoff.example/base/x",
        "contextId": "c",
    }


def test_links_of_several_pauses_are_completed_too() -> None:
    paused = Links("https://s.example").pause({"pausedBlocks": [RESPONSE, RESPONSE], "pauseCount": 2})

    assert [each["data"]["_resume"]["uiUrl"] for each in paused["pausedBlocks"]] == [
        "https://s.example/x"
    ] * 2


def test_without_a_public_address_links_stay_paths() -> None:
    assert Links(None).pause(RESPONSE) is RESPONSE


def test_an_output_that_only_looks_like_a_pause_is_left_alone() -> None:
    assert Links("https://s.example").pause({"data": {"_resume": "text"}}) == {"data": {"_resume": "text"}}
