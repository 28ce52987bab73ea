//! argv in, exit code out; the only place that prints an error chain.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use nightdesk::cli::Cli;
use nightdesk::journal;
use nightdesk::service::exit;

/// The desk waits for the network, the modem and the disk, and computes next to nothing: two are enough, and each costs
/// memory.
const WORKERS: usize = 2;
/// A name look-up that hangs must not hold up the end of the program.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // The one TLS provider. It can only be there already if it is the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, exit::SOFTWARE),
    };
    // Dropped before `failed` writes, so that the answer precedes the complaint.
    let outcome = {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let outcome = runtime.block_on(cli.run(&mut out));
        let flushed = out.flush();
        outcome.and_then(|()| Ok(flushed?))
    };
    runtime.shutdown_timeout(LEAVE_WITHIN);
    let code = match outcome {
        Ok(()) => ExitCode::from(exit::OK),
        Err(error) if error.is_quiet() => ExitCode::from(exit::OK),
        Err(error) => failed(&error, error.exit_code()),
    };
    journal::flush();
    code
}

/// `--help` and `--version` are answers; anything else clap has to say is about a command line that makes no sense.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when this can't be printed either.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::OK })
}

fn failed(error: &dyn Error, code: u8) -> ExitCode {
    let mut words = format!("nightdesk: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    drop(writeln!(std::io::stderr(), "{words}"));
    ExitCode::from(code)
}
