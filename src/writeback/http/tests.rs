//! Templates with the worst that a lead can say, and what each mistake in one is told as.

use serde_json::{Value, json};

use super::template::{address, body};
use super::*;

fn lead(text: &str) -> Vars {
    let least = Vars::samples().pop().unwrap();
    Vars { name: Some(text.to_owned()), note: Some(text.to_owned()), record_id: text.to_owned(), ..least }
}

/// Texts that would end a string, open an object, leave a path or be taken for a template.
const HOSTILE: [&str; 14] = [
    "\"",
    "\\",
    "\\\"",
    "\", \"class\": \"SPAM",
    "\"}, {\"x\": \"",
    "{{ key }}",
    "{% raw %}",
    "</script>",
    "line\r\nline",
    "\u{0}\u{7f}\u{2028}",
    "../../admin",
    "a/b?c=d#e",
    "@evil.example/",
    "%2e%2e%2f",
];

#[test]
fn a_text_of_a_lead_stays_where_it_was_put() {
    for text in HOSTILE {
        let vars = lead(text);
        for template in [
            "{ \"name\": {{ name }}, \"fixed\": 1 }",
            "{ \"name\": {{ name|safe }}, \"fixed\": 1 }",
            "{ \"name\": {{ name|string }}, \"fixed\": 1 }",
            "{ \"name\": {% autoescape false %}{{ name }}{% endautoescape %}, \"fixed\": 1 }",
        ] {
            let rendered: Value = serde_json::from_str(&body(template, &vars).unwrap()).unwrap();
            assert_eq!(rendered, json!({ "name": text, "fixed": 1 }), "{template}");
        }
        let joined = body("{{ \"from \" ~ name }}", &vars).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&joined).unwrap(), json!(format!("from {text}")));
        for template in
            ["https://crm.example.com/leads/{{ record_id }}/x", "https://crm.example.com/leads/{{ record_id|safe }}/x"]
        {
            let url = address(template, &vars).unwrap();
            let put = url.strip_prefix("https://crm.example.com/leads/").unwrap().strip_suffix("/x").unwrap();
            assert!(put.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'%'), "{url}");
        }
    }
}

#[test]
fn ten_thousand_texts_never_break_out() {
    let mut random = fastrand::Rng::with_seed(7);
    let alphabet: Vec<char> = "\"\\{}[]:,%/.#? \n\r\t\u{0}'`<>&é😀abc012~|-".chars().collect();
    for _ in 0..10_000 {
        let length = random.usize(1..24);
        let text: String = (0..length).filter_map(|_| random.choice(&alphabet)).collect();
        let vars = lead(&text);
        let rendered = body("{\"a\": {{ name }}, \"b\": [{{ note }}], \"c\": true}", &vars).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&rendered).unwrap(), json!({ "a": text, "b": [text], "c": true }));
        match address("https://crm.example.com/{{ record_id }}?x=1", &vars) {
            Ok(url) => assert_eq!(url.matches(['/', '?', '#', '@', '\\']).count(), 4, "{url}"),
            Err(_) => assert!(text == "." || text == "..", "{text:?}"),
        }
    }
}

#[test]
fn nothing_and_dots_are_no_part_of_an_address() {
    for text in ["", ".", ".."] {
        assert!(address("https://crm.example.com/leads/{{ record_id }}", &lead(text)).is_err(), "{text:?}");
    }
    let least = Vars::samples().pop().unwrap();
    assert!(address("https://crm.example.com/{{ email }}", &least).is_err(), "a lead may lack it");
}

fn request(url: &str, body: &str) -> Request {
    Request {
        method: Method::PATCH,
        url: url.to_owned(),
        headers: Vec::new(),
        body: body.to_owned(),
        status: Vec::new(),
        holds: None,
        id: None,
        idempotency_header: None,
    }
}

#[test]
fn a_mistake_in_a_template_is_told_before_the_night() {
    const URL: &str = "https://crm.example.com/{{ record_id }}";
    for (name, url, body, want) in [
        ("quotes of one's own", URL, "{ \"class\": \"{{ class }}\" }", "body: no JSON once it is filled in"),
        ("a comma too many", URL, "{ \"class\": {{ class }}, }", "body: no JSON once it is filled in"),
        ("no such variable", URL, "{ \"class\": {{ klass }} }", "body: "),
        ("no such filter", URL, "{ \"class\": {{ class|shout }} }", "body: "),
        ("half of it", URL, "{ \"class\": {{ class }", "body: "),
        ("only for some leads", URL, "{ {% if owner %}\"owner\": {{ owner }}, {% endif %} }", "body: no JSON"),
        ("a lead may lack it", "https://crm.example.com/{{ email }}", "{}", "url: "),
        ("no such variable", "https://crm.example.com/{{ id }}", "{}", "url: "),
    ] {
        let told = request(url, body).check().map_err(|broken| broken.to_string()).unwrap_err();
        assert!(told.starts_with(want) && told.len() > want.len() + 8, "{name}: {told}");
    }
    for body in [
        "{}",
        "{ \"class\": {{ class_value }}, \"flag\": {{ priority }} }",
        "{ \"code\": {{ code }}{% if owner is not none %}, \"owner\": {{ owner }}{% endif %} }",
        "{ \"text\": {{ (name or 'nobody') ~ ': ' ~ (note or '') }} }",
    ] {
        assert_eq!(request(URL, body).check(), Ok(()), "{body}");
    }
}
