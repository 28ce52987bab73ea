//! The listener's TLS while the desk runs: opened at the start, read again on SIGHUP.
//!
//! A renewed certificate is taken without a connection being dropped; one that can't be used changes nothing, and is an
//! alert until a reload succeeds. Nothing else of the configuration is read again.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::{AppError, Running, wiring};
use crate::config::{Config, Secrets};
use crate::intake::{self, Tls};
use crate::model::Timestamp;
use crate::store::{Command, Store, StoreError, Tx};

/// The alert about files that can't be used.
const ALERT: &str = "tls:reload";

/// Opens the listener's TLS, if it has any. What an earlier run found wrong with the files is over then.
pub(super) fn open(config: &Config, secrets: &Secrets, store: &mut Store) -> Result<Option<Arc<Tls>>, AppError> {
    store.transact(|tx| tx.clear_alert(ALERT, Timestamp::now()))?;
    let Some(files) = wiring::tls_files(config, secrets)? else { return Ok(None) };
    let tls = Tls::open(&files)?;
    tell_doubt(&files);
    Ok(Some(Arc::new(tls)))
}

fn tell_doubt(files: &intake::TlsFiles) {
    if let Ok(Some(doubt)) = intake::judge_tls(files, Timestamp::now()) {
        warn!(certificate = %files.certificate.display(), "{doubt}");
    }
}

impl Running {
    /// Reads the listener's certificate, its key and the clients' authority again, for the connections to come.
    pub async fn reload(&self, config: &Config, secrets: &Secrets) {
        let Some(tls) = &self.tls else {
            info!("SIGHUP: the listener has no certificate to read again; for the rest, restart");
            return;
        };
        let reloaded = wiring::tls_files(config, secrets).map_err(AppError::from).and_then(|files| match files {
            Some(files) => tls.reload(&files).map(|()| tell_doubt(&files)).map_err(AppError::from),
            None => Ok(()),
        });
        let told = match reloaded {
            Ok(()) => {
                info!("the listener's certificate was read again");
                self.write(|tx| tx.clear_alert(ALERT, Timestamp::now())).await
            }
            Err(reason) => {
                error!(%reason, "the listener's certificate can't be read again; the old one stays");
                let text = format!("the listener's certificate was not renewed, the old one stays: {reason}");
                let cure = "`nightdesk check --static` tells what is wrong; then `systemctl reload nightdesk`";
                self.write(move |tx| tx.alert(ALERT, &text, cure, Timestamp::now())).await
            }
        };
        if let Err(error) = told {
            error!(%error, "the alert about the certificate can't be written");
        }
    }

    async fn write(
        &self,
        body: impl FnOnce(Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.writer.run(Command::Outcome, body).await
    }
}
