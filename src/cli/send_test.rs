//! `nightdesk send-test`: posts one sample lead to the running desk, signed as its source would sign it.
//!
//! It goes to the listener on this box, while the signature covers the public address, as through a tunnel that changes
//! nothing; a listener with a certificate is called by its public address. The lead is a real one to the desk: an urgent
//! text wakes the person on call. `sample` is the lead, `sign` the proof.

mod sample;
mod sign;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::CliError;
use super::desk::{Desk, print_json, source_of};
use super::table::line;
use crate::config::BaseUrl;
use crate::control::{Request, Response};
use crate::model::Timestamp;
use crate::wire::{Answer, Call, Wire};

pub(super) use sample::Sample;

/// The desk answers within milliseconds; this is for a box that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Arguments of `send-test`.
#[derive(Debug, Args)]
pub(super) struct SendTest {
    /// The source's name, as in [sources.NAME]
    source: String,
    /// What the lead writes, if not the built-in sample of an urgent buyer
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The id of a real CRM record, so that the write-back can be seen; without it nothing is written back
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl SendTest {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let source = source_of(desk, &self.source)?;
        let now = Timestamp::now();
        let sample = Sample { message: self.message.as_deref(), record: self.record.as_deref(), now };
        let body = sample.body(source).ok_or_else(|| CliError::NeedsRecord(self.source.clone()))?;
        let at = intake_of(desk).await;
        let target = format!("/hooks/{}", self.source);
        let public = desk.config.server.public_url.as_ref().map_or("", BaseUrl::as_str);
        let call = Call::post(format!("{}{target}", base(desk, at))).body(body);
        let around = sign::Around { public, target: &target, now };
        let signed = sign::signed(call, &source.auth, &desk.secrets()?, &around)?;
        let got = Wire::new().send(&signed, PATIENCE).await;
        let answer = got.map_err(|error| CliError::Silent { address: at.to_string(), reason: error.reason })?;
        self.print(&answer, out)
    }

    fn print(&self, answer: &Answer, out: &mut dyn Write) -> Result<(), CliError> {
        let body = answer.json().unwrap_or(Value::Null);
        if self.json {
            print_json(out, &json!({ "status": answer.status, "answer": body }))?;
        }
        let id = |key: &str| body.get(key).and_then(Value::as_str);
        match (answer.status, id("lead_id"), id("duplicate_of").or_else(|| id("repeat_of"))) {
            (202, Some(_), _) | (200, _, Some(_)) if self.json => Ok(()),
            (200, None, None) if answer.body.contains("<Ack>true</Ack>") => {
                writeln!(out, "acknowledged\nfollow it: nightdesk leads list")?;
                Ok(())
            }
            (202, Some(lead), _) => {
                writeln!(out, "accepted as lead {lead}\nfollow it: nightdesk leads show {lead}", lead = line(lead))?;
                Ok(())
            }
            (200, _, Some(lead)) => {
                writeln!(out, "the same as lead {}: nothing happens twice", line(lead))?;
                Ok(())
            }
            (status, _, _) => Err(CliError::TestRefused { status, words: meaning(status) }),
        }
    }
}

/// What an answer means to whoever sent a test.
const fn meaning(status: u16) -> &'static str {
    match status {
        200 => "it found no lead in the sample; see nightdesk dlq list --stage gate",
        401 => "the secret here is not the one the desk runs with; restart it after a change",
        404 => "it doesn't know this source; restart it after a change of the configuration",
        429 => "its source has sent more than its max-per-minute or max-in-flight; wait a minute",
        413 => "server.max-body is too small for the sample",
        503 => "it can't store anything at the moment; see nightdesk status",
        _ => "something other than a desk seems to answer there",
    }
}

/// What the sample is posted to: the listener itself, but one with a certificate by the name the certificate is for.
fn base(desk: &Desk, at: SocketAddr) -> String {
    let server = &desk.config.server;
    match (&server.tls, &server.public_url) {
        (None, _) => format!("http://{at}"),
        (Some(_), Some(public)) => public.as_str().to_owned(),
        (Some(_), None) => format!("https://{at}"),
    }
}

/// Where the running desk takes webhooks. It knows best: the configured port may be 0, for any.
async fn intake_of(desk: &Desk) -> SocketAddr {
    let told = match desk.ask_if_running(&Request::Status).await {
        Ok(Some(Response::Status(status))) => status.intake.parse().ok(),
        Ok(_) | Err(_) => None,
    };
    let mut at: SocketAddr = told.unwrap_or(desk.config.server.listen);
    if at.ip().is_unspecified() {
        at.set_ip(if at.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) });
    }
    at
}
