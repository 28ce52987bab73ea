//! What the sanitiser promises, as tables: messages as they come, and texts that must come through unharmed.
//!
//! Whole mails, phones and forms are in [`super::golden`]; what holds for every text is in [`super::properties`].

use super::*;

pub(super) fn settings(max_chars: usize) -> Settings {
    Settings { max_chars, drop_lines: Vec::new() }
}

pub(super) fn cleaned(raw: &str) -> String {
    clean(raw, &settings(10_000)).into()
}

#[test]
fn messages_as_they_come() {
    for (name, raw, want) in [
        ("a plain one", "Hi! Could you send me your price list?", "Hi! Could you send me your price list?"),
        (
            "HTML of a rich text field",
            "<p>We must replace our scanner <b>this week</b>.<br>Please call&nbsp;me.</p>",
            "We must replace our scanner this week.\nPlease call me.",
        ),
        ("an entity", "I forgot my password &amp; cannot get in", "I forgot my password & cannot get in"),
        ("escaped once more", "&lt;p&gt;Tom &amp;amp; Jerry&lt;/p&gt;", "Tom & Jerry"),
        ("escaped three times", "&amp;amp;lt;b&amp;amp;gt;bold", "bold"),
        ("script and style", "a<script>if (a<b) alert('</p>')</script>b<style>p > a {}</style>c", "abc"),
        ("upper case", "<SCRIPT\n>x</ScRiPt >a<BR/>b", "a\nb"),
        ("a comment", "a<!-- <b>hidden</b> -->b", "ab"),
        ("comments of bad style", "a<!-->b<!--->c<!-- x --!>d<!---- > e -->f", "abcdf"),
        ("Office's comment, cut off", "Hi<!--[if gte mso 9]><xml><w:x/>", "Hi"),
        ("text in a section of XML", "<![CDATA[1 < 2]]> <![CDATA[<b>x</b>]]>", "1 < 2 x"),
        ("style that is not closed", "a<style type=\"text/css\">p { color: red", "a"),
        ("a template in a template", "a<template><template>x</template>y</template>b", "ab"),
        ("void elements that are not closed", "a<template>b<noscript>c<svg>d<iframe>e<title>f<object>g", "abcdefg"),
        ("end tags of nothing", "</p>a</svg>b</br>c</x>", "ab\nc"),
        ("head, title", "<html><head><title>T</title>x</head><body>Hi</body></html>", "Hi"),
        ("an object in an object", "a<object><object>x</object>y</object>b", "ab"),
        (
            "svg, template, noscript, iframe",
            "<svg><g>x</g></svg><template>x</template><noscript>x</noscript><iframe>x</iframe>a",
            "a",
        ),
        ("a list", "<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("a table", "<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"),
        ("an office paragraph", "<p class=MsoNormal style='a:b'>Hi<o:p></o:p></p><?xml:namespace prefix = o />", "Hi"),
        ("a conditional comment", "<![if !supportLists]>- a<![endif]>", "- a"),
        ("a picture in the text", "a<img alt=\"x > y\" src='data:image/png;base64,AAAA'>b", "ab"),
        ("a tag in an attribute", "a<img alt=\"<script>alert(1)</script>\">b", "ab"),
        ("a declaration", "<!DOCTYPE html>Hi", "Hi"),
        ("an unknown element", "<my-card>Hi</my-card> <x y=\"1\">there<foo/>", "Hi there"),
        (
            "an unclosed script",
            "Your <script> broke our shop. 50 units by tomorrow!",
            "Your  broke our shop. 50 units by tomorrow!",
        ),
        ("a script cut off", "a<script type=x> window.open('b')", "a"),
        ("an unclosed script and words", "No <style> on your shop(s)?", "No  on your shop(s)?"),
        ("numbers", "&#8364;5 &#x1F525; &#128; &#0000000000039; &#xD800;&#0;", "€5 🔥 € ' \u{fffd}\u{fffd}"),
        ("numbers without a semicolon", "I&#39m &#8364 5 &#x3c b&#62;", "I'm € 5 < b>"),
        ("hidden characters", "a\u{200b}b\u{202e}c\u{feff}d\u{ad}e\0f\u{7}g\u{e0041}h", "abcdefgh"),
        ("hidden as entities", "a&#8203;b&#x202e;c&#7;d", "abcd"),
        ("an entity cut by a hidden character", "&l\u{200b}t;b&gt;x", "x"),
        ("line ends", "a\r\nb\rc\u{2028}d\te\u{a0}f", "a\nb\nc\nd e f"),
        ("blank lines", "  a  \n\n\n \n b\n\n", "a\n\n b"),
        ("composed", "e\u{301} ﬁ ①", "é ﬁ ①"),
        ("a label", "Message:\n Hi there", "Hi there"),
        ("two labels", "Your message: MESSAGE: Hi", "Hi"),
        ("a form's first line", "You have received a new message from your site.\n\nMessage: Hi", "Hi"),
        ("nothing but a label", "Message:", "Message:"),
        ("nothing", " \n\t", ""),
        ("only markup", "<p><br></p>", ""),
    ] {
        assert_eq!(cleaned(raw), want, "{name}");
    }
}

#[test]
fn text_that_looks_like_markup_survives() {
    for text in [
        "3 < 5",
        "a<b",
        "a<b and c>d",
        "if x<y && y>z",
        "R&D at AT&T",
        "x &lt y",
        "I <3 your product",
        "<- here ->",
        "a <= b << c",
        "5 > 3 & 2 < 4",
        "https://a.example/?a=1&copy=2&lt=3",
        "Anna <anna@example.com>",
        "<https://example.com/a>",
        "List<String> x",
        "<your name here>",
        "<",
        "&",
        "&;",
        "&#;",
        "&#x;",
        "</",
        "<!",
        "<!--",
        "<!-- open",
        "<br",
        "<a href=\"x",
        "\"quoted\" & 'single'",
        "&nosuchentity;",
        "<![CDATA[x",
        "Tom &copy Jerry",
        "?a=1&amp=2",
        "I&#3x",
        "<tel:112> or <mailto:anna>",
        "50%20 off, 100%, %s",
        "https://x.example/a%20b",
        "Yes -- or > 5 kW",
        "{{ 7*7 }} ${x} %s",
        "message from the <boss>",
    ] {
        assert_eq!(cleaned(text), text);
        assert_eq!(cleaned(&escaped(text)), text);
    }
}

#[test]
fn length_is_in_whole_characters() {
    for (raw, cap, want) in
        [("🔥🔥🔥", 2, "🔥🔥"), ("ab cd", 3, "ab"), ("ab", 2, "ab"), ("ab", 0, ""), ("<b>ab</b>c", 2, "ab")]
    {
        assert_eq!(clean(raw, &settings(cap)).as_str(), want);
    }
}

#[test]
fn wrapped_too_deep_is_no_markup_either() {
    let mut text = "<b>x</b> & y".to_owned();
    for _ in 0..5 {
        text = escaped(&text);
    }
    let once = cleaned(&text);
    assert!(!once.contains(['<', '&']), "{once}");
    assert_eq!(cleaned(&once), once);
}

#[test]
fn duplicates_are_told_by_their_words() {
    assert_eq!(normalise("  Hi\r\n\tTHERE  e\u{301} "), "hi there é");
    assert_eq!(normalise("Ärger"), normalise("ärger"));
    assert_ne!(normalise("a b"), normalise("ab"));
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            c => out.push(c),
        }
    }
    out
}
