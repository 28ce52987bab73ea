//! From a source's configured scheme to the intake's, with its secrets read.

use secrecy::SecretString;

use crate::config::{self, SecretError, SecretRef, Secrets};
use crate::intake;

/// The scheme; `public_url` is what precedes the path where signatures cover the address.
pub(super) fn auth(auth: &config::Auth, public_url: &str, secrets: &Secrets) -> Result<intake::Auth, SecretError> {
    let one = |at: &SecretRef| secrets.get(at).cloned();
    let all = |at: &[SecretRef]| at.iter().map(one).collect::<Result<Vec<SecretString>, SecretError>>();
    let public_url = public_url.to_owned();
    Ok(match auth {
        config::Auth::Hubspot { secret } => intake::Auth::Hubspot { secret: one(secret)?, public_url },
        config::Auth::StandardWebhooks { secrets } => intake::Auth::StandardWebhooks { secrets: all(secrets)? },
        config::Auth::HmacSha256 { secrets, layout: typed } => {
            intake::Auth::HmacSha256 { secrets: all(secrets)?, layout: layout(typed) }
        }
        config::Auth::Twilio { secrets } => intake::Auth::Twilio { secrets: all(secrets)?, public_url },
        config::Auth::SharedSecret { header, prefix, secret } => {
            intake::Auth::SharedSecret { header: header.clone(), prefix: prefix.clone(), secret: one(secret)? }
        }
        config::Auth::PathSecret { secret } => intake::Auth::PathSecret { secret: one(secret)? },
        config::Auth::Basic { user, secret } => intake::Auth::Basic { user: user.clone(), secret: one(secret)? },
        config::Auth::Salesforce { organization_id, secret } => intake::Auth::Salesforce {
            organization_id: organization_id.clone(),
            path_secret: secret.as_ref().map(one).transpose()?,
        },
        config::Auth::ClientCertificate { fingerprints } => {
            intake::Auth::ClientCertificate { fingerprints: fingerprints.clone() }
        }
        config::Auth::None => intake::Auth::None,
    })
}

fn layout(typed: &config::Layout) -> intake::Layout {
    let config::Layout { header, prefix, encoding, stamp } = typed.clone();
    let encoding = match encoding {
        config::Encoding::Hex => intake::Encoding::Hex,
        config::Encoding::Base64 => intake::Encoding::Base64,
    };
    let stamp = stamp.map(|config::Stamp { place, before, between }| intake::Stamp {
        place: match place {
            config::StampPlace::Header(name) => intake::StampPlace::Header(name),
            config::StampPlace::Item(prefix) => intake::StampPlace::Item(prefix),
        },
        before,
        between,
    });
    intake::Layout { header, prefix, encoding, stamp }
}
