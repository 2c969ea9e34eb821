"""From markdown to HTML."""

from console.documents.markdown import Heading, render


def test_the_first_heading_is_the_title_and_the_second_ones_the_contents() -> None:
    found = render("# Title\n\n## Ask for *the* `price`\n\ntext\n\n### deep\n")
    assert found.title == "Title"
    assert found.headings == (Heading("ask-for-the-price", "Ask for the price"),)
    assert '<h2 id="ask-for-the-price">' in found.html
    assert "<h1" not in found.html


def test_html_is_shown_as_text() -> None:
    found = render("# T\n\n<script>alert(1)</script> <b onclick=x>b</b>\n")
    assert "<script" not in found.html
    assert "<b" not in found.html
    assert "&lt;script&gt;" in found.html


def test_a_link_to_a_file_leads_to_its_page() -> None:
    html = render("# T\n\n[w](../webhooks.md#events) [o](https://x.example/a.md)").html
    assert 'href="/docs/webhooks#events"' in html
    assert 'href="https://x.example/a.md"' in html


def test_a_script_behind_a_link_is_no_link() -> None:
    assert "href" not in render("# T\n\n[w](javascript:alert(1))").html


def test_code_is_highlighted_escaped_and_can_be_copied() -> None:
    html = render('# T\n\n```python\nx = "<b>"\n```\n').html
    assert 'data-copy="code-1"' in html
    assert '<code id="code-1">' in html
    assert "&lt;b&gt;" in html
    assert "hl-s2" in html


def test_code_in_no_known_language_is_plain() -> None:
    html = render("# T\n\n```nolang\na < b\n```\n").html
    assert "a &lt; b" in html


def test_tables_scroll() -> None:
    html = render("# T\n\n| a |\n| --- |\n| b |\n").html
    assert '<div class="table-scroll" tabindex="0"><table>' in html
