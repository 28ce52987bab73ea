//! The token endpoint: the OAuth 2.0 client credentials flow, and the JWT bearer flow with its signature.
//!
//! Written from Salesforce Help, "OAuth 2.0 Client Credentials Flow" and "OAuth 2.0 JWT Bearer Flow", and from RFC 7515, 7518
//! and 7523.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::SignatureScheme;
use serde_json::{Value, json};

use super::super::http::{Answer, Seen, pairs};
use super::{Salesforce, USER, random};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// An assertion may live this long.
const MOST_SECONDS: i64 = 180;
/// `SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING` for keys of 2048 bits: what follows is the key itself.
const RSA_HEAD: usize = 24;

/// What proves a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Secret(String),
    /// The subject public key info of the app's certificate, the user, and the audience.
    Key {
        spki: Vec<u8>,
        user: String,
        audience: String,
    },
}

fn refusal(error: &str, words: &str) -> Answer {
    Answer::new(400, json!({ "error": error, "error_description": words }))
}

impl Salesforce {
    pub(super) fn token(&mut self, seen: &Seen) -> Answer {
        if !seen.is_of_type("application/x-www-form-urlencoded") {
            return refusal("invalid_request", "not a form").mistake("the body is not declared as a form");
        }
        if !seen.query.is_empty() {
            return refusal("invalid_request", "in the query").mistake("what proves a client is not for addresses");
        }
        let form = pairs(&seen.body);
        let value = |key: &str| form.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        let known: &[&str] = match value("grant_type") {
            Some("client_credentials") => &["grant_type", "client_id", "client_secret"],
            Some(JWT_BEARER) => &["grant_type", "assertion"],
            _ => {
                let refused = refusal("unsupported_grant_type", "grant type not supported");
                return refused.mistake("no grant type that is known");
            }
        };
        if form.len() != known.len() || known.iter().any(|key| value(key).is_none()) {
            return refusal("invalid_request", "parameters").mistake(format!("the form has not exactly {known:?}"));
        }
        let refused = match value("assertion") {
            Some(assertion) => self.check_assertion(assertion),
            None => self.check_secret(value("client_id"), value("client_secret")),
        };
        match refused {
            Err(refused) => refused,
            Ok(()) => self.session(seen.header("host").unwrap_or_default()),
        }
    }

    fn session(&mut self, host: &str) -> Answer {
        let token = format!("{}!AQ{}", self.organization.split_at(15).0, random(40));
        self.sessions.push(token.clone());
        let id = format!("https://login.salesforce.com/id/{}/{USER}", self.organization);
        let instance = self.instance.clone().unwrap_or_else(|| format!("http://{host}"));
        Answer::new(
            200,
            json!({ "access_token": token, "signature": random(43), "scope": "api", "instance_url": instance,
                    "id": id, "token_type": "Bearer", "issued_at": Timestamp::now().as_millisecond().to_string() }),
        )
    }

    fn check_secret(&self, id: Option<&str>, secret: Option<&str>) -> Result<(), Answer> {
        match &self.proof {
            _ if id != Some(&self.client) => Err(refusal("invalid_client_id", "client identifier invalid")),
            Proof::Secret(known) if secret == Some(known) && !self.revoked => Ok(()),
            Proof::Secret(_) => Err(refusal("invalid_client", "invalid client credentials")),
            Proof::Key { .. } => Err(refusal("invalid_grant", "no client credentials user enabled")),
        }
    }

    fn check_assertion(&self, assertion: &str) -> Result<(), Answer> {
        let wrong = |words: &str| refusal("invalid_grant", words);
        let Proof::Key { spki, user, audience } = &self.proof else { return Err(wrong("invalid assertion")) };
        let parts: Vec<&str> = assertion.split('.').collect();
        let [head, claims, signature] = parts[..] else {
            return Err(wrong("invalid assertion").mistake("a JWT has three parts"));
        };
        let json = |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
        let (Some(head_json), Some(claims_json)) = (json(head), json(claims)) else {
            return Err(wrong("invalid assertion").mistake("a part of the JWT is no JSON in base64url"));
        };
        if head_json.get("alg") != Some(&json!("RS256")) {
            return Err(wrong("algorithm not supported").mistake("the JWT is not signed with RS256"));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        if !is_signed(spki, format!("{head}.{claims}").as_bytes(), &signature) {
            return Err(wrong("invalid assertion"));
        }
        let claim = |key: &str| claims_json.get(key).and_then(Value::as_str).unwrap_or_default();
        let left =
            claims_json.get("exp").and_then(Value::as_i64).unwrap_or(0).saturating_sub(Timestamp::now().as_second());
        if left > MOST_SECONDS {
            return Err(wrong("invalid assertion").mistake("the assertion lives for over three minutes"));
        }
        match () {
            () if claim("iss") != self.client => Err(refusal("invalid_client_id", "client identifier invalid")),
            () if claim("aud") != audience => Err(wrong("audience is invalid")),
            () if left <= 0 => Err(wrong("expired authorization code")),
            () if claim("sub") != user || self.revoked => Err(wrong("user hasn't approved this consumer")),
            () => Ok(()),
        }
    }
}

fn is_signed(spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let rs256 = algorithms.mapping.iter().find(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
    let key = spki.get(RSA_HEAD..).unwrap_or_default();
    rs256.is_some_and(|(_, known)| known.iter().any(|one| one.verify_signature(key, message, signature).is_ok()))
}
