//! TLS on the listener: who gets through, who doesn't, and certificates that change while the desk runs.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::version::TLS12;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{IMPATIENT, connect, statuses, told};
use crate::support::tls::{Authority, Identity};
use crate::support::{Office, Post, tls};

const HTTP1: &[&[u8]] = &[b"http/1.1"];

/// Puts a certificate and its key where the office's desk looks for them.
fn put(office: &Office, certificate: &str, key: &str) {
    for (name, content) in [("fullchain.pem", certificate), ("key.pem", key)] {
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).write(true).truncate(true).mode(0o600).open(office.path().join(name)).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }
}

fn configuration(office: &Office) -> String {
    let at = office.path().display();
    format!("{IMPATIENT}\n[server.tls]\ncertificate = \"{at}/fullchain.pem\"\nkey = {{ file = \"{at}/key.pem\" }}\n")
}

/// An impatient office whose desk shows this certificate and asks for one of `clients`.
pub(super) async fn secured(identity: &Identity, clients: Option<&Authority>) -> Office {
    secured_with(identity, clients, "").await
}

/// The same with more sources.
async fn secured_with(identity: &Identity, clients: Option<&Authority>, sources: &str) -> Office {
    let mut office = Office::new("").await;
    put(&office, &identity.certificate, &identity.key);
    let mut more = configuration(&office);
    if let Some(clients) = clients {
        let path = office.path().join("clients.pem");
        std::fs::write(&path, clients.pem()).unwrap();
        more = format!("{more}client-ca = \"{}\"\n", path.display());
    }
    office.configure(&(more + sources));
    office.start().await;
    office
}

/// The status of a lead that goes this way; `None` when the desk closes the connection.
async fn lead(office: &Office, config: Arc<ClientConfig>, words: &str) -> Option<u16> {
    let mut stream = tls::connect(office.intake.unwrap(), config).await.ok()?;
    let post = Post::website(&json!({ "message": words }));
    statuses(&told(words, &mut stream, &post.bytes()).await).first().copied()
}

#[tokio::test]
async fn who_is_no_client_is_closed_and_the_next_lead_is_accepted() {
    let authority = Authority::new("the desk's");
    let office = secured(&authority.issue(30), None).await;
    let client = authority.client(HTTP1, None);
    let half_a_hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &[7; 40]].concat();
    for (name, bytes) in [
        ("nothing", Vec::new()),
        ("noise", (0..=255).collect::<Vec<u8>>().repeat(40)),
        ("zeros", vec![0; 10_000]),
        ("plain HTTP", Post::website(&json!({ "message": "plain" })).bytes()),
        ("half a hello", half_a_hello),
        ("a record of 64 KiB", [b"\x16\x03\x01\xff\xff".as_slice(), &vec![1; 1 << 16]].concat()),
        ("SSL 2", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80".to_vec()),
        ("an alert", b"\x15\x03\x03\x00\x02\x02\x28".to_vec()),
        ("a heartbeat", b"\x18\x03\x02\x00\x03\x01\x40\x00".to_vec()),
    ] {
        let answer = told(name, &mut connect(&office).await, &bytes).await;
        assert_eq!(statuses(&answer), [] as [u16; 0], "{name}: in plain text");
        assert_eq!(lead(&office, Arc::clone(&client), &format!("after {name}")).await, Some(202), "{name}");
        assert!(!office.log().contains("panicked at"), "{name}:\n{}", office.log());
    }
}

#[tokio::test]
async fn versions_names_and_protocols() {
    let authority = Authority::new("the desk's");
    let office = secured(&authority.issue(30), None).await;
    let old = {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS12]).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let pem = authority.pem();
        let root: rustls::pki_types::CertificateDer =
            rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes()).unwrap();
        roots.add(root).unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    };
    assert_eq!(lead(&office, old, "TLS 1.2, no ALPN").await, Some(202));
    assert_eq!(lead(&office, authority.client(HTTP1, None), "TLS 1.3").await, Some(202));
    assert_eq!(lead(&office, authority.client(&[b"spdy/3"], None), "a protocol we don't speak").await, None);
    assert_eq!(lead(&office, Authority::new("another").client(HTTP1, None), "who doesn't believe us").await, None);
    // An address is no name: SNI is left out.
    let stream = TcpStream::connect(office.intake.unwrap()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut nameless = TlsConnector::from(authority.client(HTTP1, None)).connect(name, stream).await.unwrap();
    let post = Post::website(&json!({ "message": "without a name" }));
    assert_eq!(statuses(&told("nameless", &mut nameless, &post.bytes()).await), [202]);
}

/// The deadlines of a request hold inside of TLS as well.
#[tokio::test]
async fn who_stops_half_way_inside_of_tls_is_told() {
    let authority = Authority::new("the desk's");
    let office = secured(&authority.issue(30), None).await;
    let client = authority.client(HTTP1, None);
    let whole = Post::website(&json!({ "message": "How much is a tent?" })).bytes();
    for (name, sent, want) in
        [("nothing", 0, None), ("half a head", 40, Some(408)), ("half a body", whole.len() - 5, Some(408))]
    {
        let mut stream = tls::connect(office.intake.unwrap(), Arc::clone(&client)).await.unwrap();
        let answer = told(name, &mut stream, &whole[..sent]).await;
        assert_eq!(statuses(&answer), want.into_iter().collect::<Vec<u16>>(), "{name}");
    }
    assert_eq!(lead(&office, client, "after them").await, Some(202));
}

#[tokio::test]
async fn only_clients_of_the_authority_get_through() {
    let (authority, clients, strangers) =
        (Authority::new("the desk's"), Authority::new("the clients'"), Authority::new("strangers'"));
    let mut office = secured(&authority.issue(30), Some(&clients)).await;
    for (name, identity, want) in [
        ("no certificate", None, None),
        ("a stranger's", Some(strangers.issue(30)), None),
        ("one that has expired", Some(clients.issue(-1)), None),
        ("the desk's own", Some(authority.issue(30)), None),
        ("a client's", Some(clients.issue(30)), Some(202)),
    ] {
        assert_eq!(lead(&office, authority.client(HTTP1, identity.as_ref()), name).await, want, "{name}");
    }
    // Another authority from here on; what a client resumes with was given out by the old one.
    let client = authority.client(HTTP1, Some(&clients.issue(30)));
    assert_eq!(lead(&office, Arc::clone(&client), "a client's, just before").await, Some(202));
    std::fs::write(office.path().join("clients.pem"), strangers.pem()).unwrap();
    office.signal_reload();
    office.until_logged("the listener's certificate was read again").await;
    assert_eq!(lead(&office, client, "a client's, just after").await, None);
    let stranger = authority.client(HTTP1, Some(&strangers.issue(30)));
    assert_eq!(lead(&office, stranger, "who is a stranger no more").await, Some(202));
    assert!(!office.log().contains("panicked at"), "{}", office.log());
}

/// The authority vouches for many; a source names which of them may post to it.
#[tokio::test]
async fn a_source_knows_its_sender_by_the_certificate() {
    let (authority, clients) = (Authority::new("the desk's"), Authority::new("the clients'"));
    let (partner, other) = (clients.issue(30), clients.issue(30));
    let source = format!(
        "[sources.partner]\nkind = \"json\"\nfields.message = \"/message\"\n\
         auth = {{ scheme = \"client-certificate\", fingerprints = [\"{}\"] }}\n",
        partner.fingerprint()
    );
    let office = secured_with(&authority.issue(30), Some(&clients), &source).await;
    for (name, identity, want) in [("the partner", &partner, 202), ("another client", &other, 401)] {
        let client = authority.client(HTTP1, Some(identity));
        let mut stream = tls::connect(office.intake.unwrap(), client).await.unwrap();
        let post = Post::plain("/hooks/partner", json!({ "message": name }).to_string());
        assert_eq!(statuses(&told(name, &mut stream, &post.bytes()).await), [want], "{name}");
    }
    let reasons = office.column("SELECT reason FROM quarantine");
    assert_eq!(reasons, ["its client certificate is none of those this source names"]);
}

/// SIGHUP: a connection that stands goes on, the next one sees the new certificate; a bad file changes nothing, and is an
/// alert until it is mended.
#[tokio::test]
async fn a_renewed_certificate_is_taken_without_dropping_anybody() {
    let (first, second) = (Authority::new("the first"), Authority::new("the second"));
    let mut office = secured(&first.issue(30), None).await;
    let mut standing = tls::connect(office.intake.unwrap(), first.client(HTTP1, None)).await.unwrap();
    let alerts = "SELECT key, text LIKE '%is not the key of the certificate%' FROM alerts WHERE cleared_at IS NULL";

    let renewed = second.issue(30);
    put(&office, &renewed.certificate, &first.issue(30).key);
    office.signal_reload();
    office.until_logged("the listener's certificate can't be read again; the old one stays").await;
    office.until("the alert", |_| (!office.column(alerts).is_empty()).then_some(())).await;
    assert_eq!(office.lines(alerts), [["tls:reload", "1"].map(str::to_owned)]);
    assert_eq!(lead(&office, first.client(HTTP1, None), "the old one stays").await, Some(202));

    put(&office, &renewed.certificate, &renewed.key);
    office.signal_reload();
    office.until_logged("the listener's certificate was read again").await;
    assert_eq!(lead(&office, second.client(HTTP1, None), "the new one").await, Some(202));
    assert_eq!(lead(&office, first.client(HTTP1, None), "the old one").await, None);
    let post = Post::website(&json!({ "message": "who stood there all the time" }));
    assert_eq!(statuses(&told("standing", &mut standing, &post.bytes()).await), [202]);
    office.until("the alert's end", |_| office.column(alerts).is_empty().then_some(())).await;
}

/// What `check --static` and `run` say of files that can't be used.
#[tokio::test]
async fn bad_files_are_told_before_the_night() {
    let authority = Authority::new("the desk's");
    let (good, other, old) = (authority.issue(30), authority.issue(30), authority.issue(-1));
    let office = Office::new("").await;
    office.configure(&configuration(&office));
    for (name, certificate, key, code, want) in [
        ("good", &good.certificate, &good.key, 0, ""),
        ("another key", &good.certificate, &other.key, 78, "server.tls.key: "),
        ("no key", &good.certificate, &good.certificate, 78, "server.tls.key: "),
        ("no certificate", &good.key, &good.key, 78, "server.tls.certificate: "),
        ("expired", &old.certificate, &old.key, 0, "warning: server.tls.certificate: the certificate has expired"),
    ] {
        put(&office, certificate, key);
        let said = office.command(&["check", "--static"]).output().unwrap();
        let out = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said.status.code(), Some(code), "{name}: {out}");
        assert!(out.contains(want) && out.contains("server.tls") != want.is_empty(), "{name}: {out}");
        assert!(key.lines().skip(1).all(|line| !out.contains(line) || line.starts_with("-----")), "{name}: {out}");
    }
    put(&office, &good.certificate, &other.key);
    let said = office.command(&["run"]).output().unwrap();
    assert_eq!(said.status.code(), Some(78));
    assert!(String::from_utf8(said.stderr).unwrap().contains("is not the key of the certificate"));
}
