//! The listener's certificate: which files are taken, what is said of the others, and what a reload changes.

use std::path::Path;
use std::time::SystemTime;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::*;
use crate::intake::tls::{judge, read};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

struct Made {
    certificate: String,
    key: String,
}

fn now() -> Timestamp {
    "2026-11-23T02:00:00.000Z".parse().unwrap()
}

/// So many days from now.
fn millis(days: i64) -> u64 {
    let millis = days.checked_mul(DAY_MS).and_then(|days| days.checked_add(now().as_millis()));
    u64::try_from(millis.unwrap()).unwrap()
}

/// A certificate for the time between two days, counted from now.
fn made(from: i64, to: i64) -> Made {
    let mut params = CertificateParams::new(vec!["leads.example.com".to_owned()]).unwrap();
    let at = |days| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis(days))).unwrap();
    params.not_before = at(from).into();
    params.not_after = at(to).into();
    let key = KeyPair::generate().unwrap();
    Made { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

fn authority() -> String {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn files(folder: &Path, certificate: &str, key: &str, client_ca: Option<&str>) -> TlsFiles {
    let at = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    TlsFiles {
        certificate: at("fullchain.pem", certificate),
        key: at("key.pem", key),
        client_ca: client_ca.map(|ca| at("ca.pem", ca)),
    }
}

#[test]
fn each_file_that_cannot_be_used_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (good, other) = (made(-1, 90), made(-1, 90));
    let none = "holds no certificate in PEM";
    let cut = good.certificate.get(..good.certificate.len() / 2).unwrap();
    let ca = authority();
    for (name, certificate, key, ca, want) in [
        ("good", good.certificate.as_str(), good.key.as_str(), None, Ok(())),
        ("good, with an authority", &good.certificate, &good.key, Some(ca.as_str()), Ok(())),
        ("another key", &good.certificate, &other.key, None, Err(("key.pem", "is not the key of the certificate"))),
        ("no key", &good.certificate, "", None, Err(("key.pem", "holds no private key in PEM"))),
        (
            "a certificate for a key",
            &good.certificate,
            &good.certificate,
            None,
            Err(("key.pem", "holds no private key")),
        ),
        ("no certificate", "", &good.key, None, Err(("fullchain.pem", none))),
        ("a key for a certificate", &good.key, &good.key, None, Err(("fullchain.pem", none))),
        ("half a certificate", cut, &good.key, None, Err(("fullchain.pem", none))),
        ("an empty authority", &good.certificate, &good.key, Some(""), Err(("ca.pem", none))),
        ("noise", "\u{0}\u{1}", &good.key, None, Err(("fullchain.pem", none))),
    ] {
        let found = judge(&files(folder.path(), certificate, key, ca), now());
        match (found, want) {
            (Ok(None), Ok(())) => {}
            (Err(error), Err((file, words))) => {
                let error = error.to_string();
                assert!(error.contains(file) && error.contains(words), "{name}: {error}");
                assert!(!error.contains("PRIVATE KEY-----\n"), "{name}: {error}");
            }
            (found, want) => panic!("{name}: {found:?}, not {want:?}"),
        }
    }
    let good = files(folder.path(), &good.certificate, &good.key, None);
    let missing = TlsFiles { key: folder.path().join("none"), ..good.clone() };
    assert!(judge(&missing, now()).unwrap_err().to_string().contains("can't be read"));
    let a_folder = TlsFiles { certificate: folder.path().to_owned(), ..good };
    assert!(judge(&a_folder, now()).unwrap_err().to_string().contains("is not a PEM file"));
}

#[test]
fn dates_are_doubts() {
    let folder = tempfile::tempdir().unwrap();
    for (name, from, to, moved_days, want) in [
        ("well within", -10, 80, 0, None),
        ("a fortnight left", -10, 13, 0, Some(Doubt::Expiring)),
        ("over", -10, 80, 81, Some(Doubt::Expired)),
        ("a box whose clock stands at its beginning", -10, 80, -11, Some(Doubt::NotYetValid)),
    ] {
        let made = made(from, to);
        let files = files(folder.path(), &made.certificate, &made.key, None);
        let at = Timestamp::from_millis(now().as_millis() + moved_days * DAY_MS);
        assert_eq!(judge(&files, at).unwrap(), want, "{name}");
    }
}

#[test]
fn a_reload_changes_what_comes_and_a_bad_one_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (made(-1, 90), made(-1, 90));
    let files_at = |made: &Made| files(folder.path(), &made.certificate, &made.key, None);
    let tls = Tls::open(&files_at(&first)).unwrap();
    let before = tls.current();
    assert!(tls.reload(&files(folder.path(), &second.certificate, &first.key, None)).is_err());
    assert!(Arc::ptr_eq(&before, &tls.current()));
    tls.reload(&files_at(&second)).unwrap();
    assert!(!Arc::ptr_eq(&before, &tls.current()));
    assert_eq!(read(&files_at(&second)).unwrap().0.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
}
