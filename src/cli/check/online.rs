//! What the vendors say of us: models, CRMs, Twilio, the mail server, the help desk. No lead is sent and nothing is billed.
//!
//! Called by `check` only, with `--online` or `--create-properties`. One vendor's refusal keeps no other from being asked.

use super::Findings;
use crate::app;
use crate::classify::Probe;
use crate::cli::CliError;
use crate::config::{Config, Problem, Secrets};
use crate::model::Failure;

/// Whether each model's server takes our key and has the model.
pub(super) async fn models(config: &Config, secrets: &Secrets, found: &mut Findings) -> Result<(), CliError> {
    let classifiers = app::classifiers(config, secrets).map_err(app::AppError::from)?;
    for (nth, (classifier, llm)) in classifiers.iter().zip(&config.llm).enumerate() {
        let path = format!("llm[{nth}]");
        match classifier.probe().await {
            Ok(Probe::Listed) => found.well.push(format!("{path}: {} has the model {}", llm.name, llm.model)),
            Ok(Probe::NoList) => {
                found.well.push(format!("{path}: {} answers; it doesn't say which models it has", llm.name));
            }
            Ok(Probe::NotListed) => {
                let words = format!("{} answers, but does not list the model {}", llm.name, llm.model);
                found.warn(format!("{path}.model"), words);
            }
            Err(failure) => found.refused(path, &failure),
        }
    }
    Ok(())
}

/// Whether Twilio takes our account.
pub(super) async fn twilio(config: &Config, secrets: &Secrets, found: &mut Findings) -> Result<(), CliError> {
    let Some(twilio) = app::twilio(config, secrets).map_err(app::AppError::from)? else { return Ok(()) };
    found.judged("twilio", &twilio.verify().await, "the account is taken");
    Ok(())
}

/// Whether the mail server and the help desk take us.
pub(super) async fn follow_ups(config: &Config, secrets: &Secrets, found: &mut Findings) -> Result<(), CliError> {
    let mailer = app::mailer(config, secrets).map_err(app::AppError::from)?;
    if let Some(mailer) = &mailer {
        found.judged("mail.smtp", &mailer.verify().await, "the server takes us");
    }
    if let Some(desk) = app::help_desk(config, secrets, mailer.as_ref()).map_err(app::AppError::from)? {
        found.judged("ticket", &desk.verify().await, "the help desk takes us");
    }
    Ok(())
}

/// Whether each CRM takes our token and has the properties we write.
pub(super) async fn crms(config: &Config, secrets: &Secrets, found: &mut Findings) -> Result<(), CliError> {
    for (name, crm) in app::crms(config, secrets).map_err(app::AppError::from)? {
        found.judged(&format!("crm.{name}"), &crm.verify().await, "token, scopes and properties are good");
    }
    Ok(())
}

/// Makes the properties we write in each CRM.
pub(super) async fn create_properties(
    config: &Config,
    secrets: &Secrets,
    found: &mut Findings,
) -> Result<(), CliError> {
    for (name, crm) in app::crms(config, secrets).map_err(app::AppError::from)? {
        found.judged(&format!("crm.{name}"), &crm.create_fields().await, "the properties exist");
    }
    Ok(())
}

impl Findings {
    fn judged(&mut self, path: &str, failures: &[Failure], well: &str) {
        if failures.is_empty() {
            self.well.push(format!("{path}: {well}"));
        }
        for failure in failures {
            self.refused(path, failure);
        }
    }

    fn refused(&mut self, path: impl Into<String>, failure: &Failure) {
        let words = match &failure.cure {
            Some(cure) => format!("{}: {cure}", failure.reason),
            None => failure.reason.clone(),
        };
        self.refusals.push(Problem { line: None, path: path.into(), words });
    }
}
