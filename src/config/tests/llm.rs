//! The models: what each protocol takes, and what it brings along.

use super::super::{Config, Protocol};
use super::errors;

/// A model with these keys more.
fn llm(more: &str) -> String {
    format!("[[llm]]\nname = \"a\"\nmodel = \"b\"\nkey = {{ file = \"/k\" }}\n{more}")
}

#[test]
fn a_protocol_brings_its_vendors_address() {
    let of = |more: &str| Config::parse(&llm(more)).unwrap().llm.remove(0);
    let anthropic = "https://api.anthropic.com/v1";
    for (more, address, protocol) in [
        ("protocol = \"anthropic\"", anthropic, Protocol::Anthropic { tool: false }),
        ("protocol = \"anthropic\"\nstructured = \"json-schema\"", anthropic, Protocol::Anthropic { tool: false }),
        ("protocol = \"anthropic\"\nstructured = \"tool\"", anthropic, Protocol::Anthropic { tool: true }),
        ("protocol = \"openai\"", "https://api.openai.com/v1", of("").protocol),
    ] {
        let llm = of(more);
        assert_eq!((llm.base_url.as_str(), llm.protocol), (address, protocol), "{more}");
    }
    let mine = of("protocol = \"anthropic\"\nbase-url = \"https://gateway.example/v1\"");
    assert_eq!(mine.base_url.as_str(), "https://gateway.example/v1");
}

#[test]
fn what_a_protocol_does_not_take_is_refused() {
    let anthropic = |key: &str| llm(&format!("protocol = \"anthropic\"\n{key}"));
    for (text, want) in [
        (llm("structured = \"tool\""), "line 5, llm[0].structured: \"tool\" is for protocol = \"anthropic\""),
        (
            anthropic("structured = \"json-object\""),
            "line 6, llm[0].structured: with protocol = \"anthropic\": \"json-schema\" or \"tool\"",
        ),
        (
            anthropic("instructions-role = \"system\""),
            "line 6, llm[0].instructions-role: not for protocol = \"anthropic\", which knows one way only",
        ),
        (
            anthropic("token-limit-key = \"max_tokens\""),
            "line 6, llm[0].token-limit-key: not for protocol = \"anthropic\", which knows one way only",
        ),
        (llm("protocol = \"open-ai\""), "line 5, llm[0].protocol: unknown value; did you mean `openai`?"),
    ] {
        assert_eq!(errors(&text), [want]);
    }
}
