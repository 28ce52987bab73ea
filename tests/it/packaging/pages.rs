//! What is made from the command line: the page `debian/man/nightdesk.1` and the scripts in `debian/completions/`.
//!
//! They are golden files: `UPDATE_GOLDEN=1 cargo test --test it packaging` writes them anew after a command has changed.
//! One page tells of all commands, because whoever looks for one doesn't know yet what it is called. It is written in
//! the macros of mdoc(7), and lines are broken as `mandoc -T lint` wants them.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use nightdesk::cli::Cli;

use super::golden;

/// As wide as a line of text may be in the source of a page.
const WIDTH: usize = 78;

/// The program as people see it: without the commands that are systemd's, and without `help`, which is `--help` as well.
fn program() -> Command {
    let whole = Cli::command();
    let mut program = Command::new("nightdesk")
        .about(whole.get_about().unwrap().clone())
        .after_help(whole.get_after_help().unwrap().clone())
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments())
        .subcommands(whole.get_subcommands().filter(|command| !command.is_hide_set()))
        .disable_help_subcommand(true);
    program.build();
    program
}

/// Words as lines of a page; a sentence begins a line.
fn text(words: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in words.replace('\\', "\\e").split_whitespace() {
        let ended = line.ends_with(['.', '?', '!', ':']);
        if !line.is_empty() && (ended || line.len() + word.len() >= WIDTH) {
            writeln!(lines, "{line}").unwrap();
            line.clear();
        }
        let guard = if line.is_empty() && word.starts_with(['.', '\'']) { "\\&" } else { "" };
        let space = if line.is_empty() { "" } else { " " };
        write!(line, "{space}{guard}{word}").unwrap();
    }
    lines + &line
}

/// What a command takes, as the items of a list.
fn arguments(page: &mut String, command: &Command, global: bool) {
    let shown = |argument: &&Arg| {
        !argument.is_hide_set() && argument.is_global_set() == global && !matches!(argument.get_id().as_str(), "help")
    };
    let arguments: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    if arguments.is_empty() {
        return;
    }
    writeln!(page, ".Bl -tag -width Ds").unwrap();
    for argument in arguments {
        let values = argument.get_value_names().filter(|_| argument.get_action().takes_values()).unwrap_or_default();
        let mut item = String::from(".It");
        if let Some(long) = argument.get_long() {
            write!(item, " Fl \\-{}", long.replace('-', "\\-")).unwrap();
        }
        for value in values {
            write!(item, " Ar {value}").unwrap();
        }
        writeln!(page, "{item}").unwrap();
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        writeln!(page, "{}.", text(help.trim_end_matches('.'))).unwrap();
        let choices: Vec<_> = argument.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
        if argument.get_action().takes_values() && !choices.is_empty() {
            writeln!(page, "{}.", text(&format!("One of {}", choices.join(", ")))).unwrap();
        }
        let default: Vec<_> = argument.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
        if argument.get_action().takes_values() && !default.is_empty() {
            writeln!(page, "Default: {}.", default.join(" ")).unwrap();
        }
    }
    writeln!(page, ".El").unwrap();
}

/// Each command that can be given, by its whole name, with what it takes.
fn commands(page: &mut String, parent: &Command) {
    for command in parent.get_subcommands() {
        if command.has_subcommands() {
            commands(page, command);
            continue;
        }
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").trim();
        let name: String = usage.chars().take_while(|c| !"[<".contains(*c)).collect();
        writeln!(page, ".Ss {}", name.trim_end()).unwrap();
        writeln!(page, ".D1 {usage}\n.Pp").unwrap();
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
        writeln!(page, "{}.", text(about.trim_end_matches('.'))).unwrap();
        arguments(page, command, false);
    }
}

#[test]
fn the_page_of_the_commands() {
    let program = program();
    let about = program.get_about().unwrap().to_string();
    let mut page = String::from(".Dd November 25, 2026\n.Dt NIGHTDESK 1\n.Os\n.Sh NAME\n.Nm nightdesk\n");
    writeln!(page, ".Nd {}", text(&about)).unwrap();
    writeln!(page, ".Sh SYNOPSIS\n.Nm\n.Op Fl \\-config Ar FILE\n.Ar COMMAND\n.Op Ar ARGUMENTS").unwrap();
    writeln!(page, ".Sh DESCRIPTION\nThe desk itself is\n.Nm Cm run ,\nwhich systemd starts.").unwrap();
    writeln!(page, "The other commands look at it, ask it to do something, or help to set it up.").unwrap();
    writeln!(page, "How it is operated tells\n.Xr nightdesk 8 .\n.Pp\nEvery command takes").unwrap();
    arguments(&mut page, &program, true);
    writeln!(page, "and\n.Fl \\-help .\n.Sh COMMANDS").unwrap();
    commands(&mut page, &program);
    writeln!(page, ".Sh EXIT STATUS\n.Bl -tag -width Ds").unwrap();
    let codes = program.get_after_help().unwrap().to_string();
    for code in codes.lines().skip(1) {
        let (code, meaning) = code.trim().split_once(' ').unwrap();
        writeln!(page, ".It {code}\n{}.", text(meaning)).unwrap();
    }
    writeln!(page, ".El\n.Sh SEE ALSO\n.Xr nightdesk.toml 5 ,\n.Xr nightdesk 8").unwrap();
    golden("man/nightdesk.1", &page);
}

#[test]
fn the_completions() {
    for (shell, name) in [(Shell::Bash, "nightdesk.bash"), (Shell::Zsh, "_nightdesk"), (Shell::Fish, "nightdesk.fish")]
    {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut program(), "nightdesk", &mut script);
        golden(&format!("completions/{name}"), &String::from_utf8(script).unwrap());
    }
}
