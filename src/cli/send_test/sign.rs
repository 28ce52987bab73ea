//! The proof that a source's sender would add to a request.
//!
//! Called by `send_test` with a call whose body is complete. Written from the vendors' pages and not with the intake's
//! code, so that a mistake there is not made twice and shows. Of several keys it takes the first.
//! Rules: developers.hubspot.com, "Validating requests from HubSpot", version 3; the Standard Webhooks specification;
//! twilio.com/docs/usage/webhooks/webhooks-security.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::super::CliError;
use crate::app::AppError;
use crate::config::{Auth, Encoding, Layout, SecretRef, Secrets, StampPlace};
use crate::model::Timestamp;
use crate::wire::Call;

/// What a proof covers beside the body.
pub(super) struct Around<'s> {
    /// The start of the address as senders know it. The configuration is refused without one where it is signed.
    pub(super) public: &'s str,
    /// Path and query.
    pub(super) target: &'s str,
    pub(super) now: Timestamp,
}

/// The call as its source would send it.
pub(super) fn signed(call: Call, auth: &Auth, secrets: &Secrets, around: &Around<'_>) -> Result<Call, CliError> {
    let secret = |at: &SecretRef| secrets.get(at).map_err(AppError::from);
    let first = |all: &[SecretRef]| -> Result<String, CliError> {
        let found = all.first().map(secret).transpose()?;
        Ok(found.map(ExposeSecret::expose_secret).unwrap_or_default().to_owned())
    };
    Ok(match auth {
        Auth::None | Auth::Salesforce { secret: None, .. } => call,
        Auth::Hubspot { secret: at } => hubspot(call, secret(at)?.expose_secret(), around),
        Auth::StandardWebhooks { secrets: all } => standard_webhooks(call, &first(all)?, around),
        Auth::HmacSha256 { secrets: all, layout } => hmac_sha256(call, &first(all)?, layout, around),
        Auth::Twilio { secrets: all } => twilio(call, &first(all)?, around),
        Auth::SharedSecret { header, prefix, secret: at } => {
            let value = format!("{prefix}{}", secret(at)?.expose_secret());
            call.secret(header.clone(), value.into())
        }
        Auth::PathSecret { secret: at } | Auth::Salesforce { secret: Some(at), .. } => {
            longer(call, &format!("/{}", utf8_percent_encode(secret(at)?.expose_secret(), NON_ALPHANUMERIC)))
        }
        Auth::Basic { user, secret: at } => call.basic(user, secret(at)?),
        Auth::ClientCertificate { .. } => return Err(CliError::NoCertificate),
    })
}

fn body_of(call: &Call) -> &str {
    call.body.as_ref().map_or("", |body| body.text.as_str())
}

/// The same with more at the end of its address.
fn longer(mut call: Call, more: &str) -> Call {
    call.url.push_str(more);
    call
}

fn code<M: Mac + KeyInit>(key: &[u8], parts: &[&str]) -> Vec<u8> {
    // HMAC takes a key of any length (RFC 2104): this never fails.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn hubspot(call: Call, key: &str, around: &Around<'_>) -> Call {
    let timestamp = around.now.as_millis().to_string();
    let parts = [call.method.as_str(), around.public, around.target, body_of(&call), &timestamp];
    let signature = STANDARD.encode(code::<Hmac<Sha256>>(key.as_bytes(), &parts));
    call.header("X-HubSpot-Request-Timestamp", timestamp).header("X-HubSpot-Signature-v3", signature)
}

fn seconds(now: Timestamp) -> String {
    now.as_millis().div_euclid(1_000).to_string()
}

fn standard_webhooks(call: Call, key: &str, around: &Around<'_>) -> Call {
    // Secrets without a readable key are refused when they are loaded.
    let key = STANDARD.decode(key.trim_start_matches("whsec_")).unwrap_or_default();
    let (id, timestamp) = (format!("msg_test_{}", around.now.as_millis()), seconds(around.now));
    let signature = code::<Hmac<Sha256>>(&key, &[&id, ".", &timestamp, ".", body_of(&call)]);
    let signature = format!("v1,{}", STANDARD.encode(signature));
    call.header("webhook-id", id).header("webhook-timestamp", timestamp).header("webhook-signature", signature)
}

fn hmac_sha256(call: Call, key: &str, layout: &Layout, around: &Around<'_>) -> Call {
    let timestamp = seconds(around.now);
    let mut parts = vec![body_of(&call)];
    if let Some(stamp) = &layout.stamp {
        parts.splice(0..0, [stamp.before.as_str(), &timestamp, &stamp.between]);
    }
    let bytes = code::<Hmac<Sha256>>(key.as_bytes(), &parts);
    let written = match layout.encoding {
        Encoding::Hex => hexadecimal(&bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
    };
    let signature = format!("{}{written}", layout.prefix);
    // Nothing secret; but only those headers may have names that are not constants.
    let with = |call: Call, name: &str, value: String| call.secret(name.to_owned(), value.into());
    match layout.stamp.as_ref().map(|stamp| &stamp.place) {
        None => with(call, &layout.header, signature),
        Some(StampPlace::Header(name)) => with(with(call, name, timestamp), &layout.header, signature),
        Some(StampPlace::Item(prefix)) => with(call, &layout.header, format!("{prefix}{timestamp},{signature}")),
    }
}

fn twilio(call: Call, key: &str, around: &Around<'_>) -> Call {
    let body = body_of(&call);
    let is_form = call.body.as_ref().is_some_and(|body| body.content_type == "application/x-www-form-urlencoded");
    let (query, fields) = if is_form {
        (String::new(), fields(body))
    } else {
        (format!("?bodySHA256={}", hexadecimal(&Sha256::digest(body))), String::new())
    };
    let signature = code::<Hmac<Sha1>>(key.as_bytes(), &[around.public, around.target, &query, &fields]);
    longer(call, &query).header("X-Twilio-Signature", STANDARD.encode(signature))
}

/// A form's fields in the order of their names, each as name and value.
fn fields(form: &str) -> String {
    let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = form.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut pairs: Vec<[String; 2]> = pairs.map(|(name, value)| [plain(name), plain(value)]).collect();
    pairs.sort();
    pairs.dedup();
    pairs.concat().concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Stamp;

    const HOST: &str = "https://leads.example.com";

    fn around(target: &str, ms: i64) -> Around<'_> {
        Around { public: HOST, target, now: Timestamp::from_millis(ms) }
    }

    /// A call with a form of this text, which no signature but Twilio's looks into.
    fn of(body: &str) -> Call {
        Call::post("http://desk").form(body.to_owned())
    }

    fn value(call: &Call, name: &str) -> String {
        let shown = call.headers.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        let hidden = call.secret_headers.iter().map(|(name, value)| (name.as_ref(), value.expose_secret()));
        shown.chain(hidden).find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1.to_owned()
    }

    /// The vectors that intake's verifier is held to.
    #[test]
    fn signs_as_hubspot_does() {
        let secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
        let b1 = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
        let b2 = r#"{"properties":{"message":{"value":"Grüße – ✓"}}}"#;
        for (target, body, ms, want) in [
            ("/hooks/hubspot", b1, 1_712_345_678_901, "rhxNyby7k+fr2AUFraYdeQhVFT0ufWX+3L5MNIeEDeU="),
            (
                "/hooks/hubspot?team=night%20desk&src=a%2Fb",
                b2,
                1_712_345_678_902,
                "hzt8RPgIC3hUf5v1IN33dJUu0ZfBHh1G4WXCGrHu4xg=",
            ),
        ] {
            let call = hubspot(of(body), secret, &around(target, ms));
            assert_eq!(value(&call, "X-HubSpot-Signature-v3"), want, "{target}");
            assert_eq!(value(&call, "X-HubSpot-Request-Timestamp"), ms.to_string(), "{target}");
        }
    }

    /// The id carries the time, so the published vectors with their own ids can only be met by the code itself.
    #[test]
    fn signs_as_standard_webhooks_does() {
        let key = STANDARD.decode("bmlnaHRkZXNrLXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=").unwrap();
        let parts = ["msg_b", ".", "1712345679", ".", r#"{"text":"Grüße – ✓"}"#];
        let published = "SaGahEdfo8BsDQom8rXLqH66ufOMWADDHkDf+EpiV8I=";
        assert_eq!(STANDARD.encode(code::<Hmac<Sha256>>(&key, &parts)), published);
        let whsec = "whsec_bmlnaHRkZXNrLXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=";
        let call = standard_webhooks(of("{}"), whsec, &around("/hooks/x", 1_712_345_679_250));
        let want = code::<Hmac<Sha256>>(&key, &["msg_test_1712345679250.1712345679.{}"]);
        assert_eq!(value(&call, "webhook-signature"), format!("v1,{}", STANDARD.encode(want)));
    }

    #[test]
    fn signs_as_the_layout_says() {
        let (key, body) = ("s3cret-of-the-sender", r#"{"message":"Grüße – ✓"}"#);
        let dot = "e7236945db4f49916f7ff2ad7f4d9515bc7d72106e6a7d86b2a2cd07c1cf08b5";
        let item = StampPlace::Item("t=".to_owned());
        let header = StampPlace::Header("X-Time".to_owned());
        for (name, prefix, encoding, place, want) in [
            ("body", "", Encoding::Base64, None, "pAHvmvkVyQeGUDIullwzta0ZKav3LFUlX+vvBfvYJI0=".to_owned()),
            ("list", "v1=", Encoding::Hex, Some(item), format!("t=1712345678,v1={dot}")),
            ("header", "sha256=", Encoding::Hex, Some(header), format!("sha256={dot}")),
        ] {
            let stamp = place.map(|place| Stamp { place, before: String::new(), between: ".".to_owned() });
            let timed = matches!(stamp, Some(Stamp { place: StampPlace::Header(_), .. }));
            let layout = Layout { header: "X-Sig".to_owned(), prefix: prefix.to_owned(), encoding, stamp };
            let call = hmac_sha256(of(body), key, &layout, &around("/hooks/x", 1_712_345_678_901));
            assert_eq!(value(&call, "x-sig"), want, "{name}");
            assert!(!timed || value(&call, "x-time") == "1712345678", "{name}");
        }
    }

    #[test]
    fn signs_as_twilio_does() {
        let token = "12345678901234567890123456789012";
        let delivered = "MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered&To=%2B15551230001&From=%2B15557122661&AccountSid=AC0123456789abcdef0123456789abcdef&ApiVersion=2010-04-01";
        let repeated = "MediaUrl=https%3A%2F%2Fb&Body=Gr%C3%BC%C3%9Fe+%26+more+%3D+1%2B1&MediaUrl=https://a&MediaUrl=https://b&Empty=";
        for (body, want) in [(delivered, "k09MMIb/SCJi0aL/Y6jg2o9d/xU="), (repeated, "IPIzQHglkKFODAxKeharTp/CAzU=")] {
            let call = twilio(of(body), token, &around("/twilio/status", 0));
            assert_eq!((value(&call, "X-Twilio-Signature").as_str(), call.url.as_str()), (want, "http://desk"));
        }
        let call = Call::post("http://desk").json(&json!({ "a": "Grüße" }));
        let call = twilio(call, token, &around("/twilio/status", 0));
        assert_eq!(value(&call, "X-Twilio-Signature"), "Q+IrYMel58FBTMFJ1RuxGvVpoUc=");
        let hash = "b6fb4733e6b14e1dca43861100e2598528b40623c297dab2ac5942b2b77aaa03";
        assert_eq!(call.url, format!("http://desk?bodySHA256={hash}"));
    }
}
