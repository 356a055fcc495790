"""A page that does what no page may do is noticed, and nothing else is."""

import pytest

from tests.browser.driving import html, load_module, tab_to


@pytest.mark.parametrize(
    "body",
    [
        '<img src="https://example.org/a.png" alt="">',
        '<img src="http://192.0.2.1/a.png" alt="">',
        '<script src="//example.org/a.js"></script>',
        "<style>@import url(https://example.org/a.css)</style>",
        "<script>fetch('https://example.org/').catch(() => {})</script>",
        "<script>new WebSocket('ws://example.org/')</script>",
        '<iframe src="https://example.org/" title="elsewhere"></iframe>',
        "<script>import('https://example.org/a.js').catch(() => {})</script>",
    ],
)
def test_a_request_to_another_host_is_recorded_and_blocked(open_html, body):
    opened = open_html(html(body))
    opened.wait_for_function("performance.timing.loadEventEnd > 0")
    guard = opened.guard
    assert any("asks another host" in problem for problem in guard.problems())
    assert any("example.org" in url or "192.0.2.1" in url for url in guard.foreign)
    guard.take()
    assert opened.evaluate(
        "fetch('https://example.org/').then(() => 'got it', () => 'blocked')"
    ) == ("blocked")
    guard.take()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<img src="missing.png" alt="">', "missing.png (status 404)"),
        ("<script>console.error('something is wrong')</script>", "something is wrong"),
        ("<script>throw new Error('not caught')</script>", "uncaught: not caught"),
        ("<script>Promise.reject(new Error('not handled'))</script>", "uncaught: not handled"),
        ("<script>setTimeout(() => { throw new Error('later') })</script>", "uncaught: later"),
        ("<script type=module>import './no.js'</script>", "no.js (status 404)"),
    ],
)
def test_an_error_of_a_page_is_collected(open_html, body, expected):
    problems = open_html(html(body)).guard.take()
    assert any(expected in problem for problem in problems), problems


def test_a_request_that_is_cut_short_has_failed(open_html, server):
    opened = open_html(html(""))
    opened.route("**/cut.txt", lambda route: route.abort("connectionreset"))
    opened.evaluate("fetch('cut.txt').catch(() => {})")
    assert any("cut.txt (net::ERR_CONNECTION_RESET)" in p for p in opened.guard.take())


def test_a_request_that_a_page_leaves_behind_has_not_failed(open_html):
    opened = open_html(html(""))
    given_up = []
    opened.context.on("requestfailed", lambda request: given_up.append(request.failure))
    opened.route("**/slow.txt", lambda route: None)  # never answered
    opened.evaluate("void fetch('slow.txt').catch(() => {})")
    opened.goto(opened.url + "?elsewhere")
    assert given_up == ["net::ERR_ABORTED"]
    assert opened.guard.problems() == []


def test_a_page_that_does_nothing_wrong_has_no_problem(open_html):
    body = '<img src="a.svg" alt=""><img src="data:image/gif;base64,R0lGODlhAQABAAAAADs=" alt="">'
    opened = open_html(
        html(body + "<script>console.log('hello'); console.warn('careful')</script>"),
        files={"a.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>'},
    )
    assert opened.guard.problems() == []
    assert any(url.endswith("a.svg") for url in opened.guard.requests)


def test_what_was_taken_is_forgotten(open_html):
    guard = open_html(html("<script>console.error('expected')</script>")).guard
    assert len(guard.take()) == 1
    assert guard.problems() == []


def test_a_problem_that_no_test_took_fails_the_test(lacking, run_tests, tmp_path):
    lacking("browser")
    (tmp_path / "test_it.py").write_text(
        "def test_bad(open_html):\n"
        "    open_html('<title>x</title><script>console.error(\"nobody took this\")</script>')\n"
        "def test_good(blank_page):\n"
        "    assert blank_page.title() == 'Blank'\n"
    )
    result = run_tests()
    assert "2 passed, 1 error" in result.stdout
    assert "nobody took this" in result.stdout


def test_of_what_a_test_did_to_a_page_the_next_one_finds_nothing(pool, new_page, server):
    page, address = new_page(), server.write("_pool/index.html", html("<p>text</p>"))
    page.goto(address)
    state = """[innerWidth, matchMedia("(prefers-color-scheme: dark)").matches, sessionStorage.left,
        localStorage.left, localStorage.mode, window.left]"""
    before = page.evaluate(state)
    page.evaluate("window.left = localStorage.left = sessionStorage.left = localStorage.mode = 'x'")
    page.evaluate("setTimeout(() => console.error('late'), 100)")
    page.route("**/*", lambda route: route.abort())
    page.set_viewport_size({"width": 400, "height": 400})
    page.emulate_media(color_scheme="dark")
    page.mouse.move(10, 10)
    pool.give_back(page)
    again = new_page()
    assert again is page
    again.goto(address)
    again.wait_for_timeout(200)
    assert again.evaluate(state) == before
    again.evaluate("() => { window.pressed = -1; onmousedown = press => pressed = press.clientX }")
    again.mouse.down()  # wherever it is
    again.mouse.up()
    assert again.evaluate("window.pressed") < 10
    assert again.guard.problems() == []


def test_without_scripts_a_script_is_not_missed_and_a_picture_is(open_html):
    head = '<link rel="preload" as="script" href="a.js"><script src="a.js"></script>'
    opened = open_html(html('<img src="no.png" alt="">', head), {"a.js": ""}, javascript=False)
    assert [p for p in opened.guard.take() if "console" not in p] == [
        f"request failed: {opened.url.replace('index.html', 'no.png')} (status 404)"
    ]


def test_a_page_opened_as_a_file_may_load_its_neighbours_and_nothing_else(open_page, tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "outside.js").write_text("")
    (tmp_path / "book" / "near.js").write_text("document.title = 'loaded'")
    file = tmp_path / "book" / "index.html"
    file.write_text(html('<script src="near.js"></script>'))
    opened = open_page(file)
    assert opened.title() == "loaded"
    assert opened.guard.problems() == []
    file.write_text(html('<script src="../outside.js"></script>'))
    opened.reload()
    assert any("outside.js" in problem for problem in opened.guard.take())


def test_a_module_is_evaluated_in_the_blank_page(blank_page):
    assert load_module(blank_page, "export const double = x => 2 * x") == ["double"]
    assert blank_page.evaluate("module.double(21)") == 42


def test_options_reach_the_page(open_html):
    script = "<script>document.title = 'scripted'</script>"
    seen = "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, document.title]"
    assert open_html(html(script), width=320, dark=True).evaluate(seen) == [320, True, "scripted"]
    assert open_html(html(script)).evaluate(seen) == [1280, False, "scripted"]
    assert open_html(html(script), javascript=False).title() == "A page"


def test_the_keyboard_reaches_a_button_and_not_what_is_out_of_its_way(open_html):
    opened = open_html(html("<a href='#'>one</a><button id=b>two</button><div id=d>three</div>"))
    assert tab_to(opened, "#b") == 2
    with pytest.raises(AssertionError, match=r"#d must be in the keyboard's reach.*<a> one"):
        tab_to(opened, "#d", at_most=5)
