//! What a process asks of the kernel, by `strace`, as events in the order in which they happened: the durability test and
//! the budgets of `cargo bench` say from it what came before what.
//!
//! strace(1): with `-f -ttt` a line begins with its thread and the time; a call that another thread's line interrupts is
//! split into `… <unfinished ...>` and `<... name resumed>…`. A call's first line is written before the kernel does it,
//! its last one after it was done.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Bytes shown of what a call writes: more than a page of the database.
const SHOWN_BYTES: &str = "6000";

/// One end of a system call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Seconds since 1970.
    pub(crate) at: f64,
    /// The call's name.
    pub(crate) name: String,
    /// Its arguments as strace shows them; descriptors with what they are open on.
    pub(crate) args: String,
    /// What it returned; `None`: it is only about to be done.
    pub(crate) returned: Option<i64>,
}

impl Event {
    /// Whether the call's first argument is a descriptor of a file whose path ends so.
    pub(crate) fn is_on(&self, path_end: &str) -> bool {
        let file = self.args.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        file.is_some_and(|(path, _)| path.ends_with(path_end))
    }
}

/// Runs `command` under strace, which writes what it finds to `trace`. Only these calls (separated by commas) are slowed
/// down. The process that results is strace's; its only child is the command's.
pub(crate) fn follow(command: &Command, calls: &str, trace: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-qq", "-ttt", "-y", "-s", SHOWN_BYTES, "-e", "signal=none", "-e"]);
    strace.arg(format!("trace={calls}")).arg("-o").arg(trace).arg(command.get_program()).args(command.get_args());
    strace
}

/// The process that a running strace follows.
pub(crate) fn followed(strace: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// The events of a trace that strace wrote.
pub(crate) fn read(trace: &Path) -> Vec<Event> {
    parse(&String::from_utf8_lossy(&std::fs::read(trace).unwrap()))
}

fn parse(trace: &str) -> Vec<Event> {
    let mut begun: HashMap<&str, (String, String)> = HashMap::new();
    let mut events = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((at, call)) = rest.trim_start().split_once(' ') else { continue };
        let Ok(at) = at.parse::<f64>() else { continue };
        if let Some(resumed) = call.strip_prefix("<... ") {
            let (Some((_, rest)), Some((name, args))) = (resumed.split_once(" resumed>"), begun.remove(thread)) else {
                continue;
            };
            if let Some((more, returned)) = ended(rest) {
                events.push(Event { at, name, args: args + more, returned: Some(returned) });
            }
        } else if let Some((name, rest)) = call.split_once('(') {
            let event = |args: &str, returned| Event { at, name: name.to_owned(), args: args.to_owned(), returned };
            if let Some(args) = rest.strip_suffix(" <unfinished ...>") {
                begun.insert(thread, (name.to_owned(), args.to_owned()));
                events.push(event(args, None));
            } else if let Some((args, returned)) = ended(rest) {
                events.push(event(args, None));
                events.push(event(args, Some(returned)));
            }
        }
    }
    events
}

/// The arguments' end and the result of a line; `None` when the call never returned.
fn ended(rest: &str) -> Option<(&str, i64)> {
    let (args, result) = rest.rsplit_once(" = ")?;
    let returned = result.split(' ').next()?.parse().ok()?;
    Some((args.trim_end().strip_suffix(')')?, returned))
}

#[test]
fn interrupted_calls_are_put_together() {
    let trace = "\
7  100.5 pwrite64(9</d/nightdesk.db-wal>, \"a) = 1 \\0\", 9, 0) = 9
7  100.6 fdatasync(9</d/nightdesk.db-wal> <unfinished ...>
8  100.7 writev(12<socket:[5]>, [{iov_base=\"HTTP/1.1 202\", iov_len=12}], 1) = 12
7  100.8 <... fdatasync resumed>)         = 0
8  100.9 --- SIGCHLD {si_signo=SIGCHLD} ---
8  101.0 write(12<socket:[5]>, \"x\", 1) = -1 EPIPE (Broken pipe)
8  101.1 read(12<socket:[5]>, <unfinished ...>) = ?
8  101.2 +++ exited with 0 +++
";
    let found: Vec<String> = parse(trace)
        .iter()
        .map(|event| format!("{} {} {} {:?}", event.at, event.name, event.is_on("-wal"), event.returned))
        .collect();
    let want = [
        "100.5 pwrite64 true None",
        "100.5 pwrite64 true Some(9)",
        "100.6 fdatasync true None",
        "100.7 writev false None",
        "100.7 writev false Some(12)",
        "100.8 fdatasync true Some(0)",
        "101 write false None",
        "101 write false Some(-1)",
    ];
    assert_eq!(found, want);
}
