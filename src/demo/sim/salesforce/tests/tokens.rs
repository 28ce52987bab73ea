//! Both ways to a session, and what ends one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::*;

const KEY: &[u8] = include_bytes!("../../../../../tests/golden/rsa.pem");
const DESK: &str = "desk@acme.example";
const LOGIN: &str = "https://login.salesforce.com";

fn key() -> std::sync::Arc<dyn rustls::sign::SigningKey> {
    any_supported_type(&PrivateKeyDer::from_pem_slice(KEY).unwrap()).unwrap()
}

fn jwt(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(head), part(claims));
    let signer = key().choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signer.sign(text.as_bytes()).unwrap()))
}

fn bearer(assertion: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer").append_pair("assertion", assertion);
    form.finish()
}

#[tokio::test]
async fn a_secret_gives_a_session_until_it_ends() {
    let sim = Sim::spawn(org()).await.unwrap();
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    let got = post_form(&sim, &form).await;
    let body = got.json();
    assert_eq!((got.status, &body["token_type"]), (200, &json!("Bearer")));
    assert_eq!(body["instance_url"], sim.base_url());
    assert_eq!(body.get("expires_in"), None);
    assert!(body["id"].as_str().unwrap().contains(&sim.organization()));
    let read = async |token: &Value| {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        ask(&sim.base_url(), "GET", &format!("{DATA}{}", lead_path()), &[("authorization", &bearer)], "").await
    };
    assert_eq!(read(&body["access_token"]).await.status, 200);
    sim.expire_sessions();
    let over = read(&body["access_token"]).await;
    assert_eq!((over.status, code(&over)), (401, "INVALID_SESSION_ID".to_owned()));
    sim.revoke(true);
    assert_eq!(post_form(&sim, &form).await.json()["error"], "invalid_client");
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn who_can_not_prove_it_gets_none() {
    for (name, form, want, mistakes) in [
        (
            "another secret",
            format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=x"),
            "invalid_client",
            0,
        ),
        (
            "another client",
            format!("grant_type=client_credentials&client_id=x&client_secret={SECRET}"),
            "invalid_client_id",
            0,
        ),
        ("no grant", format!("client_id={CLIENT}&client_secret={SECRET}"), "unsupported_grant_type", 1),
        (
            "a password",
            format!("grant_type=password&client_id={CLIENT}&client_secret={SECRET}"),
            "unsupported_grant_type",
            1,
        ),
        ("no secret", format!("grant_type=client_credentials&client_id={CLIENT}"), "invalid_request", 1),
        (
            "a scope",
            format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope=api"),
            "invalid_request",
            1,
        ),
    ] {
        let sim = Sim::spawn(org()).await.unwrap();
        let got = post_form(&sim, &form).await;
        assert_eq!((got.status, got.json()["error"].as_str()), (400, Some(want)), "{name}");
        assert_eq!((sim.violations().len(), sim.tokens().len()), (mistakes, 0), "{name}");
    }
    let sim = Sim::spawn(org()).await.unwrap();
    let body = json!({ "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET });
    let json = [("content-type", "application/json")];
    assert_eq!(ask(&sim.base_url(), "POST", "/services/oauth2/token", &json, &body.to_string()).await.status, 400);
    assert_eq!(sim.violations().len(), 1, "a form is wanted");
}

#[tokio::test]
async fn an_assertion_is_looked_at_from_all_sides() {
    let now = Timestamp::now().as_second();
    let head = json!({ "alg": "RS256" });
    let claims = json!({ "iss": CLIENT, "sub": DESK, "aud": LOGIN, "exp": now + 120 });
    let with = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        claims
    };
    let spki = key().public_key().unwrap().to_vec();
    let good = jwt(&head, &claims);
    let (text, _) = good.rsplit_once('.').unwrap();
    let other = jwt(&head, &with("sub", json!("x@acme.example")));
    let forged = format!("{text}.{}", other.rsplit_once('.').unwrap().1);
    for (name, assertion, want, mistakes) in [
        ("good", good.clone(), None, 0),
        ("another's signature", forged, Some("invalid_grant"), 0),
        ("no signature", format!("{text}."), Some("invalid_grant"), 0),
        ("another app", jwt(&head, &with("iss", json!("x"))), Some("invalid_client_id"), 0),
        ("another user", other, Some("invalid_grant"), 0),
        ("another place", jwt(&head, &with("aud", json!("https://test.salesforce.com"))), Some("invalid_grant"), 0),
        ("over", jwt(&head, &with("exp", json!(now - 1))), Some("invalid_grant"), 0),
        ("without an end", jwt(&head, &with("exp", Value::Null)), Some("invalid_grant"), 0),
        ("for an hour", jwt(&head, &with("exp", json!(now + 3_600))), Some("invalid_grant"), 1),
        ("another algorithm", jwt(&json!({ "alg": "HS256" }), &claims), Some("invalid_grant"), 1),
        ("two parts", text.to_owned(), Some("invalid_grant"), 1),
        ("no JSON", "a.b.c".to_owned(), Some("invalid_grant"), 1),
    ] {
        let sim = Sim::spawn(org().signed_by(&spki, DESK, LOGIN)).await.unwrap();
        let got = post_form(&sim, &bearer(&assertion)).await;
        assert_eq!(got.json()["error"].as_str(), want, "{name}: {}", got.body);
        assert_eq!(sim.violations().len(), mistakes, "{name}: {:?}", sim.violations());
        assert_eq!(sim.tokens().len(), usize::from(want.is_none()), "{name}");
    }
}
