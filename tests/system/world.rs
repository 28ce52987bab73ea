//! What is outside the box: the model, HubSpot and the phones, and the senders of leads. They run in this process, so they
//! outlive the box and remember what it really did.

use nightdesk::demo::sim::modem::Setup;
use nightdesk::demo::sim::{HubSpot, Llm, Modem, Sim};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::UnixListener;

use crate::gateway;
use crate::support::{self, HUBSPOT_SECRET, PUBLIC_URL, Post};

/// Below the scratch folder; holds the modem's socket.
pub(crate) const FOLDER: &str = "world";
/// Contacts with the ids from 1 up are known to HubSpot.
const CONTACTS: u32 = 3000;
/// Where texts go.
pub(crate) const NUMBER: &str = "+13035550119";

/// The secrets that an operator sets, with their values.
pub(crate) const SECRETS: [(&str, &str); 3] = [
    ("hubspot-client-secret", HUBSPOT_SECRET),
    ("hubspot-token", "pat-token-of-this-test"),
    ("openai-key", "sk-key-of-this-test"),
];

/// The vendors, up until this is dropped.
pub(crate) struct World {
    pub(crate) llm: Sim<Llm>,
    pub(crate) hubspot: Sim<HubSpot>,
    /// One for each time that the modem got power.
    modems: Arc<Mutex<Vec<Modem>>>,
}

impl World {
    pub(crate) async fn open(scratch: &Path) -> Self {
        let mut account = HubSpot::new(SECRETS[1].1)
            .enum_property("auto_classification", &["URGENT_BUYER", "TIRE_KICKER", "SUPPORT_REQUEST", "SPAM"])
            .bool_property("high_priority");
        for id in 1..=CONTACTS {
            account = account.contact(id.to_string(), &[("firstname", "Anna")]);
        }
        let folder = scratch.join(FOLDER);
        std::fs::create_dir(&folder).unwrap();
        let modems = Arc::default();
        tokio::spawn(plug(UnixListener::bind(folder.join("modem")).unwrap(), Arc::clone(&modems)));
        Self {
            llm: Sim::spawn(Llm::new(SECRETS[2].1)).await.unwrap(),
            hubspot: Sim::spawn(account).await.unwrap(),
            modems,
        }
    }

    /// The configuration of a desk in this world, whose vendors are at `outside` and whose modem is at `port`.
    pub(crate) fn configuration(&self, outside: &str, port: &str) -> String {
        let at = |url: String| url.replace("127.0.0.1", outside);
        format!(
            r#"[server]
public-url = "{PUBLIC_URL}"
[storage]
low-water-mark = "16MiB"
[business]
description = "Barcode scanners and their software, for warehouses."
[oncall]
name = "Dana"
phone = "{NUMBER}"
[sources.crm]
kind = "hubspot-workflow"
auth = {{ scheme = "hubspot", secret = {{ credential = "hubspot-client-secret" }} }}
crm = "hubspot"
account = "62515"
[[llm]]
name = "openai"
base-url = "{llm}"
model = "gpt-5-mini"
key = {{ credential = "openai-key" }}
[modem.modem0]
port = "{port}"
[crm.hubspot]
kind = "hubspot"
base-url = "{hubspot}"
token = {{ credential = "hubspot-token" }}
"#,
            llm = at(self.llm.base_url()),
            hubspot = at(self.hubspot.base_url()),
        )
    }

    /// Posts a contact's message as HubSpot's workflow does, signed, to the public end of the tunnel. The lead's id, once it
    /// is acknowledged.
    pub(crate) async fn post(&self, contact: u32, message: &str) -> Option<String> {
        let post = Post::hubspot(&contact.to_string(), message);
        let (status, _, body) = support::exchange(gateway::PUBLIC, &post.bytes()).await?;
        let answer: Value = (status == 202).then(|| serde_json::from_slice(&body).unwrap())?;
        answer.get("lead_id")?.as_str().map(str::to_owned)
    }

    /// The texts on the phones, the parts of a long one put together.
    pub(crate) fn texts(&self) -> Vec<String> {
        let modems = self.modems.lock().unwrap();
        modems
            .iter()
            .flat_map(Modem::sent)
            .filter(|sms| sms.is_whole() && sms.to == NUMBER)
            .map(|sms| sms.text)
            .collect()
    }

    /// The class that HubSpot shows for a contact.
    pub(crate) fn class(&self, contact: u32) -> Option<String> {
        self.hubspot.property(&contact.to_string(), "auto_classification").filter(|class| !class.is_empty())
    }

    /// How often a SIM's PIN was entered.
    pub(crate) fn pins(&self) -> usize {
        let modems = self.modems.lock().unwrap();
        modems.iter().flat_map(Modem::commands).filter(|command| command.starts_with("AT+CPIN=")).count()
    }

    /// The desk's mistakes, as its peers see them.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let modems = self.modems.lock().unwrap();
        let modems = modems.iter().flat_map(Modem::violations);
        self.llm.violations().into_iter().chain(self.hubspot.violations()).chain(modems).collect()
    }
}

/// Each connection is the modem's cable: what is at the other end is its port.
async fn plug(socket: UnixListener, modems: Arc<Mutex<Vec<Modem>>>) {
    while let Ok((line, _)) = socket.accept().await {
        modems.lock().unwrap().push(Setup::default().over(line));
    }
}
