//! What an operator meets: the shipped file, its examples, every kind of mistake, and secrets that stay secret.

mod llm;
mod secrets;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::model::Label;

const SHIPPED: &str = include_str!("../../debian/nightdesk.toml");

/// The shipped file with the examples of `tables` (all, if empty) switched on, as its first lines tell an operator to.
fn switched_on(tables: &[&str]) -> String {
    let (mut text, mut on) = (String::new(), false);
    for line in SHIPPED.lines() {
        let bare = line.strip_prefix('#').filter(|bare| !bare.is_empty() && !bare.starts_with([' ', '#']));
        if let Some(header) = bare.unwrap_or(line).strip_prefix('[') {
            let name = header.trim_matches(['[', ']']);
            on = tables.is_empty() || tables.contains(&name);
        }
        text.push_str(bare.filter(|_| on).unwrap_or(line));
        text.push('\n');
    }
    text
}

/// A whole table.
const TWILIO: &str = "[twilio]\naccount-sid = \"AC1\"\ntoken = { file = \"/t\" }\nfrom = \"1\"\n";

/// A source of the name that Twilio posts to, at an address that it finds.
const TAKEN: &str =
    "[server]\npublic-url = \"https://a.example\"\n[sources.twilio]\nkind = \"json\"\nauth = { scheme = \"none\" }";

fn errors(text: &str) -> Vec<String> {
    Config::parse(text).expect_err("there are problems").errors.iter().map(ToString::to_string).collect()
}

fn warnings(text: &str) -> Vec<String> {
    Config::parse(text).expect("it is valid").warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_file_is_an_empty_desk() {
    for text in [SHIPPED, ""] {
        let config = Config::parse(text).unwrap();
        assert!(config.server.listen.ip().is_loopback() && config.server.admin_listen.ip().is_loopback());
        assert!(config.sources.is_empty() && config.llm.is_empty() && config.sms.channels.is_empty());
        assert!(config.secret_refs().is_empty());
    }
    // What to fill in next, in this order.
    let missing = ["oncall: nobody is woken yet", "sources: there are none", "llm: there is none", "modem: ", "crm: "];
    let told = warnings("");
    assert_eq!(told.len(), missing.len(), "{told:#?}");
    for (told, want) in told.iter().zip(missing) {
        assert!(told.starts_with(want), "{told}");
    }
}

#[test]
fn every_example_works_when_switched_on() {
    let config = Config::parse(&switched_on(&[])).unwrap();
    let without_crm = [
        "website",
        "hubspot-form",
        "salesforce-flow",
        "contact-form",
        "pipedrive",
        "platform",
        "typeform",
        "calendly",
        "zap",
        "partner",
        "simple",
    ];
    let warned: Vec<&str> = config.warnings.iter().map(|w| w.path.as_str()).collect();
    assert_eq!(warned, without_crm.map(|name| format!("sources.{name}.crm")));
    assert_eq!(config.sources.len(), without_crm.len() + 3);
    assert_eq!(config.sources["hubspot"].crm, Some(Channel::stored("crm:hubspot".into())));
    assert_eq!(config.sms.channels.iter().map(Channel::as_str).collect::<Vec<_>>(), ["sms:modem0", "sms:twilio"]);
    assert_eq!(config.sanitize.drop_lines, ["This lead was sent by", "Tracking number:"]);
    assert_eq!(config.llm[0].price, Some(Price { input: 0.25, output: 2.0 }));
    let paths: Vec<String> = config.secret_refs().into_iter().map(|(path, _)| path).collect();
    let (sources, rest) = paths.split_at(config.sources.len());
    assert!(sources.iter().all(|path| path.starts_with("sources.") && path.ends_with(".auth.secret")), "{sources:?}");
    let want = ["llm[0].key", "twilio.token", "twilio.webhook-token", "mail.key", "mail.smtp.password", "ticket.token"];
    let crms = ["crm.hubspot.token", "crm.own.auth.secret", "crm.salesforce.client-secret", "modem.modem0.pin"];
    assert_eq!(rest, [&want[..], &crms].concat());
}

#[test]
fn the_example_source_takes_the_first_payload_anybody_tries() {
    let config = Config::parse(&switched_on(&["sources.website", "sources.website.fields"])).unwrap();
    let payload: serde_json::Value =
        serde_json::json!({"properties": {"message": {"value": "Hi"}, "email": {"value": "a@example.com"}}});
    let Shape::Json(fields) = &config.sources["website"].shape else { panic!("{:?}", config.sources) };
    let first = |pointers: &[String]| pointers.iter().find_map(|pointer| payload.pointer(pointer)?.as_str());
    assert_eq!((first(&fields.message), first(&fields.email)), (Some("Hi"), Some("a@example.com")));
    assert_eq!(first(&fields.phone), None);
}

/// Whoever deletes a # must get what would have been taken anyway, where the file says that it shows a default.
#[test]
fn shown_defaults_are_the_defaults() {
    let shown = switched_on(&["server", "storage", "classify", "sms", "reconcile", "outbox", "log"]);
    let shown = Config::parse(&shown.replace("\nchannels = ", "\n#").replace("\npublic-url = ", "\n#")).unwrap();
    assert_eq!(shown, Config { warnings: shown.warnings.clone(), ..Config::parse("").unwrap() });

    let all = switched_on(&[]);
    // A Salesforce org has an address of its own, where others have a documented one.
    let asked = "name description phone public-url certificate kind auth crm account message model key input-price \
                 output-price port smsc pin account-sid user token webhook-token from display reconcile time-zone \
                 client-id client-secret task-key-field probe method url headers body success id \
                 idempotency-header reply-to bounce-to postal-address footer calendar-url languages language own-domains host \
                 password ca title topics words subject text public-url priority also llm-per-day llm-per-month currency";
    let is_asked = |line: &&str| {
        let named = asked.split_whitespace().any(|key| line.starts_with(&format!("{key} =")));
        named || line.starts_with('[') || line.starts_with("base-url = \"https://acme.")
    };
    let least: Vec<&str> = all.lines().filter(is_asked).collect();
    let (all, least) = (Config::parse(&all).unwrap(), Config::parse(&least.join("\n")).unwrap());
    assert_eq!(
        (all.llm, all.sms, all.modem, all.twilio, all.mail, all.ticket, all.crm, all.ring),
        (least.llm, least.sms, least.modem, least.twilio, least.mail, least.ticket, least.crm, least.ring)
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"
[server]
listn = "127.0.0.1:1"
read-timeout = 15
max-body = "256KB"
[sources.web]
kind = "jsn"
auth = { scheme = "shared-secret", secret = { credential = "a" } }
crm = "hubspt"
[sources.Web]
kind = "json"
auth = { scheme = "hubspot", secret = { file = "/s" } }
fields.message = ["properties/message"]
[[llm]]
name = "a"
modle = "gpt"
[sms]
channels = ["modem1", 5]
[modem.modem0]
port = "ttyUSB0"
[crm.hubspot]
kind = "hubspot"
token = { file = "/t" }
values = { URGENT = "x" }
[log]
level = "infos"
"#;
    assert_eq!(
        errors(text),
        [
            "line 2, server.public-url: missing: HubSpot signs the address it calls, such as \"https://leads.example.com\"",
            "line 3, server.listn: unknown key; did you mean `listen`?",
            "line 4, server.read-timeout: invalid type: integer `15`, expected a time from 1ms to 8784h (366 days), such as \"250ms\", \"45s\" or \"1h 30m\"",
            "line 5, server.max-body: expected a size such as \"512B\", \"256KiB\", \"16MiB\" or \"1GiB\"",
            "line 7, sources.web.kind: unknown value; did you mean `json`?",
            "line 9, sources.web.crm: there is no [crm.hubspt]; did you mean \"hubspot\"?",
            "line 10, sources.Web: a name here has lower-case letters, digits, - and _ (at most 64)",
            "line 13, sources.Web.fields.message: a JSON pointer starts with / (~ is written ~0, / in a key ~1), such as \"/lead/message\"",
            "line 14, llm[0].model: missing: the model's name as its provider writes it",
            "line 16, llm[0].modle: unknown key; did you mean `model`?",
            "line 18, sms.channels[1]: invalid type: integer `5`, expected a string",
            "line 20, modem.modem0.port: expected a whole path that starts with /, or \"auto\"",
            "line 24, crm.hubspot.values.URGENT: unknown value; known here: URGENT_BUYER, TIRE_KICKER, SUPPORT_REQUEST, SPAM",
            "line 26, log.level: unknown value; did you mean `info`?",
        ]
    );
}

#[test]
fn keys_that_contradict_each_other() {
    let json = "kind = \"json\"\nfields.message = \"/m\"\n";
    for (name, text, want) in [
        ("syntax", "[server\nlisten = 1".to_owned(), "line 1: not TOML: "),
        ("whole table of the wrong kind", "server = 5".into(), "line 1, server: invalid type: integer `5`"),
        (
            "the same address",
            "[server]\nlisten = \"[::1]:1\"\nadmin-listen = \"[::1]:1\"".into(),
            "line 3, server.admin",
        ),
        ("no auth", format!("[sources.a]\n{json}"), "line 1, sources.a.auth: missing: how"),
        (
            "no secret",
            format!("[sources.a]\n{json}auth = {{ scheme = \"shared-secret\" }}"),
            "line 4, sources.a.auth.sec",
        ),
        (
            "a secret for nobody",
            format!("[sources.a]\n{json}auth = {{ scheme = \"none\", secret = {{ file = \"/a\" }} }}"),
            "line 4, sources.a.auth.secret: scheme",
        ),
        (
            "fields HubSpot has anyway",
            "[sources.a]\nkind = \"hubspot-workflow\"\nauth.scheme = \"none\"\nfields.message = \"/a\"".into(),
            "line 4, sources.a.fields: not for this kind",
        ),
        (
            "nobody's modem",
            "[sms]\nchannels = [\"modem0\"]".into(),
            "line 2, sms.channels[0]: there is no [modem.modem0]",
        ),
        (
            "one channel twice",
            "[sms]\nchannels = [\"a\", \"a\"]\n[modem.a]\nport = \"/a\"".into(),
            "line 2, sms.channels[1]: named twice",
        ),
        (
            "one device twice",
            "[modem.a]\nport = \"/a\"\n[modem.b]\nport = \"/a\"".into(),
            "line 4, modem.b.port: the same device as modem.a",
        ),
        ("Twilio's own name", format!("{TWILIO}{TAKEN}"), "line 7, sources.twilio: this name is taken"),
        ("a modem named twilio", "[modem.twilio]\nport = \"/a\"".into(), "line 1, modem.twilio: this name is taken"),
        (
            "no number",
            "[oncall]\nname = \"Dana\"\nphone = \"0555 1234\"".into(),
            "line 3, oncall.phone: expected a number in E.164",
        ),
        ("no name", "[oncall]\nphone = \"+15551234567\"".into(), "line 1, oncall.name: missing"),
        (
            "half a price",
            "[[llm]]\nname = \"a\"\nmodel = \"b\"\ninput-price = 1".into(),
            "line 1, llm[0].output-price: missing, while input-price",
        ),
        (
            "two of a name",
            "[[llm]]\nname = \"a\"\nmodel = \"b\"\n[[llm]]\nname = \"a\"\nmodel = \"c\"".into(),
            "line 5, llm[1].name: the same",
        ),
        ("a debt", "[spending]\nllm-per-day = -1".into(), "line 2, spending.llm-per-day: an amount of money"),
        ("no number", "[spending]\nllm-per-month = nan".into(), "line 2, spending.llm-per-month: an amount of money"),
        ("no template", "[sms]\ntemplate = \"{{ code\"".into(), "line 2, sms.template: "),
        (
            "a sender too many",
            "[twilio]\naccount-sid = \"AC1\"\ntoken = { file = \"/t\" }\nfrom = \"+1555\"\nmessaging-service = \"MG1\""
                .into(),
            "line 4, twilio.from: either",
        ),
        (
            "a path as an account",
            "[twilio]\naccount-sid = \"AC1/../x\"\ntoken = { file = \"/t\" }\nfrom = \"1\"".into(),
            "line 2, twilio.account-sid: AC and letters",
        ),
        (
            "ten hours and a second",
            "[twilio]\naccount-sid = \"AC1\"\ntoken = { file = \"/t\" }\nfrom = \"1\"\nvalidity = \"36001s\"".into(),
            "line 5, twilio.validity: from 1s",
        ),
        (
            "a model by plain http and a name",
            "[[llm]]\nname = \"a\"\nmodel = \"b\"\nbase-url = \"http://gpu.lan/v1\"".into(),
            "line 4, llm[0].base-url: http only reaches this machine or a private address",
        ),
        (
            "Twilio by plain http",
            "[twilio]\naccount-sid = \"AC1\"\ntoken = { file = \"/t\" }\nfrom = \"1\"\nbase-url = \"http://a.example\""
                .into(),
            "line 5, twilio.base-url: http only",
        ),
        (
            "a CRM by plain http",
            "[crm.h]\nkind = \"hubspot\"\ntoken = { file = \"/t\" }\nbase-url = \"http://203.0.113.1\"".into(),
            "line 4, crm.h.base-url: http only",
        ),
        ("centuries", "[classify]\ngive-up-after = \"9000000h\"".into(), "line 2, classify.give-up-after: expected a"),
        ("backwards", "[outbox]\nretry-base = \"5s\"\nretry-cap = \"1s\"".into(), "line 3, outbox.retry-cap: shorter"),
    ] {
        let found = errors(&text);
        assert!(found.len() == 1 && found[0].starts_with(want), "{name}: {found:#?}");
    }
}

#[test]
fn lines_that_would_take_honest_ones_along_are_refused() {
    let text = "[sanitize]\ndrop-lines = [\" Ref. 12 \", \" a. \", \"a\\nbcdef\"]";
    assert_eq!(
        errors(text),
        [
            "line 2, sanitize.drop-lines[1]: at least four letters or digits: less would drop what people write",
            "line 2, sanitize.drop-lines[2]: one line of text",
        ]
    );
}

#[test]
fn doubts_are_warnings() {
    let website = "[sources.a]\nkind = \"json\"\nfields.message = \"/m\"\nauth = { scheme = \"none\" }\n";
    let model = "[[llm]]\nname = \"a\"\nmodel = \"b\"\n";
    for (name, text, want) in [
        ("anybody", website.to_owned(), "line 4, sources.a.auth: scheme = \"none\": anybody"),
        ("no description", model.to_owned(), "business.description: not set"),
        ("no key", model.to_owned(), "line 1, llm[0].key: not set"),
        ("plain http", format!("{model}base-url = \"http://10.0.0.7/v1\""), "line 4, llm[0].base-url: http:"),
        (
            "a cap on what is free",
            format!("{model}[spending]\nllm-per-day = 1"),
            "line 4, spending: of no use: no model",
        ),
        (
            "a model that counts as free",
            format!(
                "{model}[[llm]]\nname = \"c\"\nmodel = \"d\"\ninput-price = 1\noutput-price = 2\n[spending]\nllm-per-day = 1"
            ),
            "line 1, llm[0].input-price: not set, while [spending]",
        ),
        (
            "a month that is a day's",
            "[spending]\nllm-per-day = 2\nllm-per-month = 1".to_owned(),
            "line 3, spending.llm-per-month: less than spending.llm-per-day",
        ),
        (
            "a clock too short for its parts",
            "[sms]\nfailover-after = \"20s\"\nmax-parts = 4\n[modem.a]\nport = \"/a\"\n[modem.b]\nport = \"/b\""
                .to_owned(),
            "line 2, sms.failover-after: a modem needs some 24 s for max-parts = 4",
        ),
        (
            "an API key, which proves no webhook",
            format!("{TWILIO}user = \"SK1\"\n[server]\npublic-url = \"https://a.example\""),
            "line 1, twilio.webhook-token: not set, and an API key's secret",
        ),
        (
            "hooks that nobody finds",
            format!("{TWILIO}webhook-token = {{ file = \"/w\" }}"),
            "line 5, twilio.webhook-token: of no use without server.public-url",
        ),
        ("nobody to wake", "[modem.a]\nport = \"/dev/x\"".to_owned(), "oncall: nobody is woken yet"),
        (
            "nothing to wake with",
            "[oncall]\nname = \"D\"\nphone = \"+15551234567\"".to_owned(),
            "modem: there is none, and no Twilio",
        ),
        (
            "a modem that isn't used",
            "[sms]\nchannels = []\n[modem.a]\nport = \"/dev/x\"".to_owned(),
            "line 2, sms.channels: there are none",
        ),
        (
            "a number that moves",
            "[modem.a]\nport = \"/dev/ttyUSB0\"".to_owned(),
            "line 2, modem.a.port: this number changes",
        ),
        (
            "health for all",
            "[server]\nadmin-listen = \"0.0.0.0:1\"".to_owned(),
            "line 2, server.admin-listen: not loopback",
        ),
    ] {
        let found = warnings(&text);
        assert!(found.iter().any(|words| words.starts_with(want)), "{name}: {found:#?}");
    }
    assert!(!warnings(&format!("{model}base-url = \"http://127.0.0.1:1/v1\"")).iter().any(|w| w.contains("llm[0]")));
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for text in [
        "[twilio]\ntoken = \"s3cr3t\"",
        "[twilio]\ntoken = { value = \"s3cr3t\" }",
        "[twilio]\ntoken = { credential = \"s3 cr3t/s3cr3t\" }",
        "[twilio]\ntoken = { file = \"s3cr3t\" }",
        "[twilio]\ntoken = { file = [\"s3cr3t\"] }",
        "[twilio]\ntoken = { credential = \"a\", file = \"/s3cr3t\" }",
        "[twilio]\nsecret = \"s3cr3t\"",
        "[oncall]\nphone = \"s3cr3t\"",
        "[twilio]\ntoken = s3cr3t",
        "[twilio]\ntoken = \"s3cr3t",
    ] {
        let problems = Config::parse(text).unwrap_err();
        assert!(!problems.errors.is_empty() && !format!("{problems} {problems:?}").contains("s3cr3t"), "{problems}");
    }
}

#[test]
fn the_key_of_the_listener_is_a_private_file_of_many_lines() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("key.pem");
    let text = format!("[server.tls]\ncertificate = \"/c\"\nkey = {{ file = \"{}\" }}\n", at.display());
    let config = Config::parse(&text).unwrap();
    for (name, content, mode, want) in [
        ("good", &b"-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n"[..], 0o600, Ok(())),
        ("open to others", b"abc", 0o644, Err("server.tls.key: ")),
    ] {
        file(folder.path(), "key.pem", content, mode);
        let found = Secrets::load(&config, None).map_err(|problems| problems.to_string());
        match (found, want) {
            (Ok(secrets), Ok(())) => {
                assert_eq!(secrets.locate(&config.server.tls.as_ref().unwrap().key).unwrap(), at, "{name}");
                assert_eq!(secrets.values().count(), 0, "{name}");
            }
            (Err(words), Err(want)) => assert!(words.contains(want), "{name}: {words}"),
            (Ok(_), Err(_)) | (Err(_), Ok(())) => panic!("{name}"),
        }
    }
    for (text, want) in [
        ("[server.tls]", "server.tls.certificate: missing"),
        ("[server.tls]\ncertificate = \"/c\"", "server.tls.key: missing"),
        ("[server.tls]\ncertificate = \"c\"\nkey = { file = \"/k\" }", "server.tls.certificate: expected"),
        ("[server]\nmax-connections-per-peer = 0", "server.max-connections-per-peer: at least 1"),
    ] {
        let found = errors(text);
        assert!(found.iter().any(|words| words.contains(want)), "{text}: {found:?}");
    }
}

fn file(folder: &Path, name: &str, content: &[u8], mode: u32) -> SecretRef {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    SecretRef::File(path)
}

#[test]
fn secrets_are_read_from_private_files_only() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, mode, want) in [
        ("plain", &b"abc"[..], 0o600, Ok("abc")),
        ("newline", b"abc\n", 0o400, Ok("abc")),
        ("dos", b"abc\r\n", 0o600, Ok("abc")),
        ("spaces inside", b" a b ", 0o600, Ok(" a b ")),
        ("group", b"abc", 0o640, Err("others may read it")),
        ("world", b"abc", 0o604, Err("others may read it")),
        ("empty", b"", 0o600, Err("is empty")),
        ("blank", b"\n", 0o600, Err("is empty")),
        ("two lines", b"a\nb\n", 0o600, Err("one line")),
        ("not text", b"\xff", 0o600, Err("one line")),
        ("huge", "a".repeat(20_000).as_bytes(), 0o600, Err("one line")),
    ] {
        match (file(folder.path(), name, content, mode).read(None), want) {
            (Ok(secret), Ok(want)) => assert_eq!(secret.expose_secret(), want, "{name}"),
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{name}: {error}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    let error = |at: SecretRef| at.read(None).unwrap_err().to_string();
    assert!(error(SecretRef::File(folder.path().into())).contains("not a regular file"));
    assert!(error(SecretRef::File(folder.path().join("none"))).contains("can't be read"));
    assert!(error(SecretRef::Credential("a".into())).contains("CREDENTIALS_DIRECTORY"));
}

#[test]
fn a_key_that_can_be_guessed_signs_no_links() {
    let folder = tempfile::tempdir().unwrap();
    for (key, want) in [("fifteen letters", Err("fewer than 16 characters")), ("sixteen letters!", Ok(()))] {
        let SecretRef::File(path) = file(folder.path(), "key", key.as_bytes(), 0o600) else { unreachable!() };
        let text = format!(
            "[mail]\nfrom = \"a@b.example\"\nkey = {{ file = {path:?} }}\nsmtp = {{ host = \"mail.b.example\" }}"
        );
        let found = Secrets::load(&Config::parse(&text).unwrap(), None).map(drop).map_err(|told| told.to_string());
        match (found, want) {
            (Ok(()), Ok(())) => {}
            (Err(told), Err(want)) => assert!(told.contains("mail.key") && told.contains(want), "{told}"),
            (found, _) => panic!("{key}: {found:?}"),
        }
    }
}

#[test]
fn values_and_durations_arrive() {
    let text = "[crm.h]\nkind = \"hubspot\"\ntoken = { file = \"/t\" }\nbase-url = \"http://127.0.0.1:9/\"\n\
                values = { SPAM = \"Other\" }\n[sms]\nfailover-after = \"250ms\"\n[business]\ncountry = \"DE\"\n";
    let config = Config::parse(text).unwrap();
    let crm = &config.crm["h"];
    let Vendor::Hubspot(hubspot) = &crm.vendor else { panic!("{crm:?}") };
    assert_eq!((hubspot.base_url.as_str(), hubspot.path.as_str()), ("http://127.0.0.1:9", "/crm/v3"));
    assert_eq!(
        (crm.values[&Label::Spam].as_str(), crm.values[&Label::UrgentBuyer].as_str()),
        ("Other", "URGENT_BUYER")
    );
    assert_eq!(config.sms.failover_after, Duration::from_millis(250));
    assert_eq!(config.business.country, "DE");
}

#[test]
fn a_file_that_is_not_there() {
    let problems = Config::load(Path::new("/nonexistent/nightdesk.toml")).unwrap_err();
    assert!(problems.to_string().starts_with("error: /nonexistent/nightdesk.toml can't be read: "), "{problems}");
}
