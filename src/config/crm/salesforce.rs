//! What only a Salesforce org needs.

use super::{base_url, trimmed};
use crate::config::typed::Text;
use crate::config::{BaseUrl, Problems, SecretRef, raw};

/// The version whose shapes the program speaks: that of spring 2024.
const API_VERSION: &str = "v60.0";
/// Older versions are retired or about to be (Salesforce, "API End-of-Life Policy").
const OLDEST_VERSION: u16 = 31;
/// Where the users of a production org sign in; a sandbox's do at `https://test.salesforce.com`.
const AUDIENCE: &str = "https://login.salesforce.com";
/// The field on Lead that the documentation tells to make.
const CLASSIFICATION_PROPERTY: &str = "Auto_Classification__c";
/// The field on Lead that the documentation tells to make.
const PRIORITY_PROPERTY: &str = "High_Priority__c";
/// Where web-to-lead puts what a prospect wrote.
const MESSAGE_PROPERTY: &str = "Description";

/// A Salesforce org.
#[derive(Debug, Clone, PartialEq)]
pub struct Salesforce {
    /// The org's My Domain.
    pub base_url: BaseUrl,
    /// The version of the API, as paths have it: `v60.0`.
    pub api_version: String,
    /// The consumer key of the app that the org knows us by.
    pub client_id: String,
    /// How it proves itself.
    pub sign_in: SignIn,
    /// The field that takes the class.
    pub classification_property: String,
    /// The field that flags top priority.
    pub priority_property: String,
    /// The field that holds what a prospect wrote.
    pub message_property: String,
    /// The external id on Activity that makes a task one of a kind, where the org has one.
    pub task_key_field: Option<String>,
}

/// How the app proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// With its consumer secret: the OAuth 2.0 client credentials flow.
    Secret(SecretRef),
    /// With a signature in the name of a user: the OAuth 2.0 JWT bearer flow.
    Jwt {
        /// The user.
        username: String,
        /// The key that belongs to the certificate that the app has: a file in PEM.
        private_key: SecretRef,
        /// Where the user signs in.
        audience: BaseUrl,
    },
}

impl Salesforce {
    pub(super) fn of(raw: &mut raw::Crm, at: &dyn Fn(&str) -> String, problems: &mut Problems) -> Option<Self> {
        let my_domain = "the org's My Domain, such as \"https://acme.my.salesforce.com\"";
        let typed = problems.required(raw.base_url.take(), at(".base-url"), my_domain);
        let base_url = typed.map(|typed| base_url(Some(typed), AUDIENCE, at, problems));
        if base_url.as_ref().is_some_and(|url| is_for_everybody(url.as_str())) {
            problems.error(at(".base-url"), format!("everybody signs in there: name {my_domain}"));
        }
        let api_version = raw.api_version.take().unwrap_or_else(|| API_VERSION.to_owned());
        match version(&api_version) {
            Some(version) if version < OLDEST_VERSION => {
                problems.error(at(".api-version"), format!("retired by Salesforce: at least \"v{OLDEST_VERSION}.0\""));
            }
            Some(_) => {}
            None => problems.error(at(".api-version"), "a version such as \"v60.0\""),
        }
        let client_id = trimmed(raw.client_id.take());
        let client_id = problems.required(client_id, at(".client-id"), "the app's consumer key");
        let sign_in = SignIn::of(raw, at, problems);
        let classification_property = property(raw.classification_property.take(), CLASSIFICATION_PROPERTY);
        let priority_property = property(raw.priority_property.take(), PRIORITY_PROPERTY);
        let message_property = property(raw.message_property.take(), MESSAGE_PROPERTY);
        let task_key_field = trimmed(raw.task_key_field.take());
        for (key, name) in [
            (".classification-property", Some(&classification_property)),
            (".priority-property", Some(&priority_property)),
            (".message-property", Some(&message_property)),
            (".task-key-field", task_key_field.as_ref()),
        ] {
            if name.is_some_and(|name| !is_api_name(name)) {
                problems.error(at(key), "a field's API name: letters, digits and _");
            }
        }
        Some(Self {
            base_url: base_url?,
            api_version,
            client_id: client_id?,
            sign_in: sign_in?,
            classification_property,
            priority_property,
            message_property,
            task_key_field,
        })
    }
}

impl SignIn {
    fn of(raw: &mut raw::Crm, at: &dyn Fn(&str) -> String, problems: &mut Problems) -> Option<Self> {
        let (secret, key) = (raw.client_secret.take(), raw.private_key.take());
        let (username, audience) = (trimmed(raw.username.take()), raw.audience.take());
        match (secret, key) {
            (Some(_), Some(_)) => {
                problems.error(at(".private-key"), "not with client-secret: the app proves itself in one way");
                None
            }
            (None, None) => {
                let words = "missing: the app's consumer secret, or else username and private-key";
                problems.error(at(".client-secret"), words);
                None
            }
            (Some(secret), None) => {
                for (key, is_typed) in [(".username", username.is_some()), (".audience", audience.is_some())] {
                    if is_typed {
                        problems.error(at(key), "only with private-key: a secret stands for the app's own user");
                    }
                }
                Some(Self::Secret(secret))
            }
            (None, Some(private_key)) => {
                let audience = Text::or(audience, BaseUrl::known(AUDIENCE));
                let username = problems.required(username, at(".username"), "the user in whose name the app signs in");
                Some(Self::Jwt { username: username?, private_key, audience })
            }
        }
    }
}

fn property(typed: Option<String>, default: &str) -> String {
    trimmed(typed).unwrap_or_else(|| default.to_owned())
}

/// The number in `v60.0`.
fn version(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('v')?.strip_suffix(".0")?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn is_api_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The client credentials flow isn't served there, and tokens from there are for another host.
fn is_for_everybody(url: &str) -> bool {
    ["://login.salesforce.com", "://test.salesforce.com"].iter().any(|host| url.ends_with(host))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use crate::config::{Config, Secrets, SignIn, Vendor};

    const LEAST: &str =
        "[crm.sf]\nkind = \"salesforce\"\nbase-url = \"https://acme.my.salesforce.com/\"\nclient-id = \"3MVG9\"\n";
    const SECRET: &str = "client-secret = { file = \"/s\" }\n";
    const JWT: &str = "username = \"desk@acme.example\"\nprivate-key = { file = \"/k\" }\n";

    fn salesforce(text: &str) -> super::Salesforce {
        let config = Config::parse(text).unwrap_or_else(|problems| panic!("{problems}"));
        let Vendor::Salesforce(salesforce) = config.crm["sf"].vendor.clone() else { panic!("{:?}", config.crm) };
        salesforce
    }

    #[test]
    fn what_is_not_said_is_as_documented() {
        let sf = salesforce(&format!("{LEAST}{SECRET}"));
        assert_eq!((sf.base_url.as_str(), sf.api_version.as_str()), ("https://acme.my.salesforce.com", "v60.0"));
        let names = [&sf.classification_property, &sf.priority_property, &sf.message_property];
        assert_eq!(names, ["Auto_Classification__c", "High_Priority__c", "Description"]);
        assert_eq!(sf.task_key_field, None);
        let SignIn::Jwt { audience, username, .. } = salesforce(&format!("{LEAST}{JWT}")).sign_in else { panic!() };
        assert_eq!((audience.as_str(), username.as_str()), ("https://login.salesforce.com", "desk@acme.example"));
        let sandbox = format!("{LEAST}{JWT}audience = \"https://test.salesforce.com\"\n");
        let SignIn::Jwt { audience, .. } = salesforce(&sandbox).sign_in else { panic!() };
        assert_eq!(audience.as_str(), "https://test.salesforce.com");
    }

    #[test]
    fn a_key_is_no_secret_of_one_line() {
        let config = Config::parse(&format!("{LEAST}{}", JWT.replace("file = \"/k\"", "credential = \"k\""))).unwrap();
        assert_eq!(config.secret_refs(), []);
        assert_eq!(config.credentials()["k"], ["crm.sf.private-key"]);
        let config = Config::parse(&format!("{LEAST}{SECRET}")).unwrap();
        assert_eq!(config.secret_refs()[0].0, "crm.sf.client-secret");
    }

    #[test]
    fn a_key_is_looked_for_with_the_secrets_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let text = format!("{LEAST}{}", JWT.replace("/k", path.to_str().unwrap()));
        let config = Config::parse(&text).unwrap();
        let told = |config: &Config| Secrets::load(config, None).map(drop).map_err(|problems| problems.to_string());
        assert!(told(&config).unwrap_err().contains("crm.sf.private-key: "), "there is none");
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        for (mode, is_well) in [(0o644, false), (0o600, true)] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(told(&config).is_ok(), is_well, "{mode:o}: {:?}", told(&config));
        }
        assert_eq!(Secrets::load(&config, None).unwrap().values().count(), 0, "it is in no memory of ours");
    }

    #[test]
    fn each_mistake_is_told_where_it_is() {
        let with = |more: &str| format!("{LEAST}{SECRET}{more}\n");
        for (name, text, want) in [
            ("no way to sign in", LEAST.to_owned(), "crm.sf.client-secret: missing"),
            ("two ways", format!("{LEAST}{SECRET}{JWT}"), "crm.sf.private-key: not with client-secret"),
            ("a key of nobody", format!("{LEAST}private-key = {{ file = \"/k\" }}"), "crm.sf.username: missing"),
            ("a user for a secret", with("username = \"a\""), "crm.sf.username: only with private-key"),
            ("a place for a secret", with("audience = \"https://a.b\""), "crm.sf.audience: only with private-key"),
            ("no app", with("").replace("3MVG9", " "), "crm.sf.client-id: missing"),
            ("no org", with("").replace("base-url", "#"), "crm.sf.base-url: missing"),
            ("everybody's", with("").replace("acme.my", "login"), "crm.sf.base-url: everybody"),
            ("in the clear", with("").replace("https", "http"), "crm.sf.base-url: "),
            ("a number", with("api-version = \"60.0\""), "crm.sf.api-version: a version such as"),
            ("half a version", with("api-version = \"v60.5\""), "crm.sf.api-version: a version such as"),
            ("retired", with("api-version = \"v30.0\""), "crm.sf.api-version: retired"),
            ("a label", with("priority-property = \"High priority\""), "crm.sf.priority-property: a field's API name"),
            ("a path", with("task-key-field = \"a/b\""), "crm.sf.task-key-field: a field's API name"),
            ("HubSpot's token", with("token = { file = \"/t\" }"), "crm.sf.token: not for a CRM of this kind"),
            ("HubSpot's labels", with("display = { SPAM = \"x\" }"), "crm.sf.display: not for a CRM of this kind"),
            (
                "Salesforce's keys at HubSpot",
                "[crm.h]\nkind = \"hubspot\"\ntoken = { file = \"/t\" }\nclient-id = \"a\"".to_owned(),
                "crm.h.client-id: not for a CRM of this kind",
            ),
        ] {
            let problems = Config::parse(&text).expect_err(name);
            let told: Vec<String> = problems.errors.iter().map(ToString::to_string).collect();
            assert!(told.iter().any(|told| told.contains(want)), "{name}: {told:?}");
        }
    }
}
