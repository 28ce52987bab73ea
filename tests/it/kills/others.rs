//! The vendors that only some offices have: a second model, a mail server and a help desk.

use nightdesk::demo::sim::llm::Flavour;
use nightdesk::demo::sim::smtp::Offer;
use nightdesk::demo::sim::{Llm, Sim, Smtp, Zendesk};

use crate::support::Office;

const AGENT: &str = "agent@acme.example";
const MAIL_KEY: &str = "mail-key-of-this-test";
const SPARE_KEY: &str = "second-key-of-this-test";
const SMTP_PASSWORD: &str = "smtp-password-of-this-test";
const ZENDESK_TOKEN: &str = "zendesk-token-of-this-test";

/// They live as long as the office.
pub(super) struct Others {
    pub(super) spare: Sim<Llm>,
    pub(super) smtp: Smtp,
    pub(super) zendesk: Sim<Zendesk>,
}

impl Others {
    pub(super) async fn new(office: &Office) -> Self {
        for (name, secret) in [
            ("mail-key", MAIL_KEY),
            ("spare-key", SPARE_KEY),
            ("smtp-password", SMTP_PASSWORD),
            ("zendesk-token", ZENDESK_TOKEN),
        ] {
            office.write_secret(name, secret);
        }
        let login = Some((AGENT.to_owned(), SMTP_PASSWORD.to_owned()));
        Self {
            spare: Sim::spawn(Llm::new(SPARE_KEY).flavour(Flavour::Anthropic)).await.unwrap(),
            smtp: Smtp::spawn(Offer { login, ..Offer::default() }).await.unwrap(),
            zendesk: Sim::spawn(Zendesk::new(AGENT, ZENDESK_TOKEN)).await.unwrap(),
        }
    }

    /// What an office's configuration says of them.
    pub(super) fn configuration(&self, office: &Office) -> String {
        let (at, spare, zendesk) = (office.path().display(), self.spare.base_url(), self.zendesk.base_url());
        let port = self.smtp.address().port();
        format!(
            r#"
[[llm]]
name = "anthropic"
protocol = "anthropic"
base-url = "{spare}"
model = "claude-test"
key = {{ file = "{at}/spare-key" }}
timeout = "700ms"
first-timeout = "700ms"
[business]
name = "Acme"
[mail]
from = "Acme <desk@acme.example>"
key = {{ file = "{at}/mail-key" }}
postal-address = "Acme, 1 Main Street, Springfield"
footer = "You get this one mail because you wrote to us on acme.example."
per-hour = 100000
resources = [{{ title = "Price list", url = "https://acme.example/prices" }}]
[mail.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
user = "{AGENT}"
password = {{ file = "{at}/smtp-password" }}
timeout = "700ms"
[ticket]
kind = "zendesk"
base-url = "{zendesk}"
user = "{AGENT}"
token = {{ file = "{at}/zendesk-token" }}
timeout = "700ms"
"#
        )
    }

    /// Nothing goes wrong with them any more.
    pub(super) fn heal(&self) {
        self.spare.heal();
        self.smtp.heal();
        self.zendesk.heal();
    }

    /// What they hold against the desk.
    pub(super) fn violations(&self) -> Vec<String> {
        [self.spare.violations(), self.smtp.violations(), self.zendesk.violations()].concat()
    }
}
