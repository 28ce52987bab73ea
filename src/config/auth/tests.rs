//! Each scheme as an operator types it, and each way to get it wrong.

use super::super::source::Around;
use super::super::typed::Text;
use super::super::{Config, Problems, Secrets, raw};
use super::*;

/// A file with one source of this `auth`, on the third line.
fn file(auth: &str) -> String {
    format!(
        "[sources.a]\nkind = \"json\"\nauth = {{ {auth} }}\nfields.message = \"/m\"\n[server]\npublic-url = \"https://a.example\"\n"
    )
}

fn read(auth: &str) -> Auth {
    Config::parse(&file(auth)).unwrap_or_else(|problems| panic!("{auth}: {problems}")).sources["a"].auth.clone()
}

fn at(path: &str) -> SecretRef {
    SecretRef::File(path.into())
}

fn layout(header: &str, prefix: &str, encoding: Encoding, stamp: Option<(StampPlace, &str, &str)>) -> Auth {
    let stamp =
        stamp.map(|(place, before, between)| Stamp { place, before: before.to_owned(), between: between.to_owned() });
    let layout = Layout { header: header.to_owned(), prefix: prefix.to_owned(), encoding, stamp };
    Auth::HmacSha256 { secrets: vec![at("/s")], layout }
}

#[test]
fn each_scheme_as_it_is_typed() {
    let shared = |header: &str, prefix: &str| Auth::SharedSecret {
        header: header.to_owned(),
        prefix: prefix.to_owned(),
        secret: at("/s"),
    };
    let salesforce = |secret| Auth::Salesforce { organization_id: "00DAA0000000001EAA".to_owned(), secret };
    for (auth, want) in [
        ("scheme = \"hubspot\", secret = { file = \"/s\" }", Auth::Hubspot { secret: at("/s") }),
        (
            "scheme = \"standard-webhooks\", secret = { file = \"/s\" }",
            Auth::StandardWebhooks { secrets: vec![at("/s")] },
        ),
        (
            "scheme = \"standard-webhooks\", secret = [{ file = \"/new\" }, { credential = \"old\" }]",
            Auth::StandardWebhooks { secrets: vec![at("/new"), SecretRef::Credential("old".to_owned())] },
        ),
        ("scheme = \"twilio\", secret = { file = \"/s\" }", Auth::Twilio { secrets: vec![at("/s")] }),
        ("scheme = \"bearer\", secret = { file = \"/s\" }", shared("Authorization", "Bearer ")),
        ("scheme = \"shared-secret\", secret = { file = \"/s\" }", shared("Authorization", "Bearer ")),
        (
            "scheme = \"shared-secret\", in = \"header\", header = \"X-Key\", secret = { file = \"/s\" }",
            shared("X-Key", ""),
        ),
        (
            "scheme = \"shared-secret\", in = \"path\", secret = { file = \"/s\" }",
            Auth::PathSecret { secret: at("/s") },
        ),
        (
            "scheme = \"shared-secret\", in = \"path\", secret = [{ file = \"/s\" }]",
            Auth::PathSecret { secret: at("/s") },
        ),
        (
            "scheme = \"basic\", user = \"anna\", secret = { file = \"/s\" }",
            Auth::Basic { user: "anna".to_owned(), secret: at("/s") },
        ),
        (
            "scheme = \"salesforce\", organization-id = \"00DAA0000000001EAA\", secret = { file = \"/s\" }",
            salesforce(Some(at("/s"))),
        ),
        ("scheme = \"salesforce\", organization-id = \" 00DAA0000000001EAA \"", salesforce(None)),
        ("scheme = \"none\"", Auth::None),
    ] {
        assert_eq!(read(auth), want, "{auth}");
    }
}

#[test]
fn signatures_of_many_senders() {
    let (header, item) = (|name: &str| StampPlace::Header(name.to_owned()), || StampPlace::Item("t=".to_owned()));
    for (auth, want) in [
        (
            "header = \"X-Hub-Signature-256\", prefix = \"sha256=\"",
            layout("X-Hub-Signature-256", "sha256=", Encoding::Hex, None),
        ),
        ("header = \"A\", encoding = \"base64\", signed = \"{body}\"", layout("A", "", Encoding::Base64, None)),
        ("header = \"A\", timestamp-header = \"B\"", layout("A", "", Encoding::Hex, Some((header("B"), "", ".")))),
        (
            "header = \"A\", prefix = \"v1=\", timestamp-prefix = \"t=\"",
            layout("A", "v1=", Encoding::Hex, Some((item(), "", "."))),
        ),
        (
            "header = \"A\", timestamp-header = \"B\", signed = \"v0:{timestamp}:{body}\"",
            layout("A", "", Encoding::Hex, Some((header("B"), "v0:", ":"))),
        ),
        (
            "header = \"A\", timestamp-header = \"B\", signed = \"{timestamp}{body}\"",
            layout("A", "", Encoding::Hex, Some((header("B"), "", ""))),
        ),
    ] {
        assert_eq!(read(&format!("scheme = \"hmac-sha256\", secret = {{ file = \"/s\" }}, {auth}")), want, "{auth}");
    }
}

#[test]
fn every_mistake_is_told_where_it_is() {
    let errors = |text: &str| {
        let problems = Config::parse(text).expect_err(text);
        problems.errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let secret = "secret = { file = \"/s\" }";
    for (auth, want) in [
        ("secret = { file = \"/s\" }".to_owned(), &["scheme: missing: { scheme = \"hubspot\" |"][..]),
        ("scheme = \"bearer\"".to_owned(), &["secret: missing: { credential"]),
        (
            format!("scheme = \"bearer\", header = \"A\", {secret}"),
            &["header: scheme = \"bearer\" takes no header, only secret"],
        ),
        ("scheme = \"bearer\", secret = []".to_owned(), &["secret: an empty list"]),
        (
            "scheme = \"bearer\", secret = [{ file = \"/a\" }, { file = \"/b\" }]".to_owned(),
            &["secret: one secret: several"],
        ),
        (format!("scheme = \"none\", {secret}"), &["secret: scheme = \"none\" takes no secret"]),
        (
            format!("scheme = \"hubspot\", in = \"path\", encoding = \"hex\", signed = \"{{body}}\", {secret}"),
            &["in: scheme = \"hubspot\" takes no in", "encoding: scheme", "signed: scheme"],
        ),
        (
            format!("scheme = \"shared-secret\", in = \"query\", {secret}"),
            &["in: unknown value; known here: header, path"],
        ),
        (
            format!("scheme = \"shared-secret\", in = \"path\", header = \"A\", prefix = \"B\", {secret}"),
            &["header: not with in = \"path\"", "prefix: not with in"],
        ),
        (format!("scheme = \"shared-secret\", prefix = \"gr\u{fc}n\", {secret}"), &["prefix: plain ASCII"]),
        ("scheme = \"basic\"".to_owned(), &["secret: missing", "user: missing"]),
        (format!("scheme = \"basic\", user = \"a:b\", {secret}"), &["user: one line without a colon"]),
        (format!("scheme = \"hmac-sha256\", {secret}"), &["header: missing: where the signature stands"]),
        (format!("scheme = \"hmac-sha256\", header = \"A B\", {secret}"), &["header: expected the name of a header"]),
        (
            format!("scheme = \"hmac-sha256\", header = \"A\", encoding = \"hexx\", {secret}"),
            &["encoding: unknown value; did you mean `hex`?"],
        ),
        (
            format!("scheme = \"hmac-sha256\", header = \"A\", timestamp-prefix = \"t=\", {secret}"),
            &["prefix: missing: signatures in a list"],
        ),
        (
            format!(
                "scheme = \"hmac-sha256\", header = \"A\", prefix = \"v1=\", timestamp-prefix = \"t=\", timestamp-header = \"B\", {secret}"
            ),
            &["timestamp-prefix: either"],
        ),
        (
            format!("scheme = \"hmac-sha256\", header = \"A\", signed = \"{{timestamp}}.{{body}}\", {secret}"),
            &["signed: needs timestamp-header"],
        ),
        (
            format!(
                "scheme = \"hmac-sha256\", header = \"A\", timestamp-header = \"B\", signed = \"{{body}}\", {secret}"
            ),
            &["signed: leaves the timestamp out"],
        ),
        (
            format!("scheme = \"hmac-sha256\", header = \"A\", signed = \"{{body}}.{{timestamp}}\", {secret}"),
            &["signed: expected what is signed"],
        ),
        (
            "scheme = \"salesforce\", organization-id = \"001AA0000000001\"".to_owned(),
            &["organization-id: the organization's id, 00D"],
        ),
        ("scheme = \"salesforce\"".to_owned(), &["organization-id: missing"]),
    ] {
        let found = errors(&file(&auth));
        let told = |want: &&str| found.iter().any(|words| words.starts_with(&format!("line 3, sources.a.auth.{want}")));
        assert!(found.len() == want.len() && want.iter().all(told), "{auth}: {found:#?}");
    }
}

#[test]
fn what_else_the_file_must_say() {
    for (vendor, auth) in [("HubSpot", "hubspot"), ("Twilio", "twilio")] {
        let text = file(&format!("scheme = \"{auth}\", secret = {{ file = \"/s\" }}")).replace("public-url", "#");
        let problems = Config::parse(&text).unwrap_err().to_string();
        let want = format!("error: line 5, server.public-url: missing: {vendor} signs the address it calls");
        assert!(problems.starts_with(&want), "{problems}");
    }
    for (list, want) in
        [("", "fingerprints: missing: SHA-256 of each"), ("\"ab:cd\"", "fingerprints[0]: expected SHA-256")]
    {
        let text = file(&format!("scheme = \"client-certificate\", fingerprints = [{list}]"));
        let problems = Config::parse(&text).unwrap_err().to_string();
        assert!(problems.contains(&format!("line 3, sources.a.auth.{want}")), "{problems}");
        assert!(problems.contains("server.tls.client-ca: missing: without it"), "{problems}");
    }
    let config = Config::parse(&file("scheme = \"salesforce\", organization-id = \"00DAA0000000001\"")).unwrap();
    let warned = config.warnings.iter().any(|warning| {
        warning.to_string().starts_with("line 3, sources.a.auth.secret: not set: whoever knows the address")
    });
    assert!(warned, "{:?}", config.warnings);
}

#[test]
fn fingerprints_as_openssl_prints_them() {
    let around = Around { has_public_url: false, has_client_ca: true, crms: Vec::new() };
    let colons = vec!["0A"; 32].join(":");
    let typed = [colons, "0a".repeat(32)].map(|text| Text(Fingerprint::read(&text).unwrap())).to_vec();
    let scheme = Some(raw::Scheme::ClientCertificate);
    let auth = raw::Auth { scheme, fingerprints: Some(typed), ..raw::Auth::default() };
    let mut problems = Problems::default();
    let auth = Auth::of(auth, "a", &around, &mut problems);
    assert_eq!((auth, problems.errors), (Some(Auth::ClientCertificate { fingerprints: vec![[10; 32]; 2] }), vec![]));
    for text in ["", "0a", &"0a".repeat(31), &"0a".repeat(33), &"0g".repeat(32), &["a"; 64].join(":"), &"é".repeat(32)]
    {
        assert!(Fingerprint::read(text).is_none(), "{text}");
    }
}

#[test]
fn a_key_that_can_sign_nothing_is_told_before_the_night() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["good", "bare", "bad", "empty"];
    for (name, key) in names.iter().zip(["whsec_c2VjcmV0\n", "c2VjcmV0MQ", "whsec_s3cr3t!", "whsec_"]) {
        std::fs::write(folder.path().join(name), key).unwrap();
    }
    let list = names.map(|name| format!("{{ credential = \"{name}\" }}")).join(", ");
    let config = Config::parse(&file(&format!("scheme = \"standard-webhooks\", secret = [{list}]"))).unwrap();
    let problems = Secrets::load(&config, Some(folder.path())).unwrap_err();
    let paths: Vec<&str> = problems.errors.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["sources.a.auth.secret[2]", "sources.a.auth.secret[3]"]);
    assert!(problems.to_string().contains("no key of Standard Webhooks") && !problems.to_string().contains("s3cr3t"));
}
