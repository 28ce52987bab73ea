//! What is wrong with a configuration, told to the person who wrote it: all of it at once, with line and path.
//!
//! Every check of this room reports here. Words say what to write instead; they never repeat a value that could be
//! a secret. The first problem of a key wins, because what follows from it is noise.

use std::fmt;

/// One thing that is wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, where it can be told.
    pub line: Option<usize>,
    /// The key, such as `sources.website.auth.header`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub words: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.path.as_str()) {
            (Some(line), "") => write!(f, "line {line}: {}", self.words),
            (Some(line), path) => write!(f, "line {line}, {path}: {}", self.words),
            (None, "") => f.write_str(&self.words),
            (None, path) => write!(f, "{path}: {}", self.words),
        }
    }
}

/// Everything that was found: errors forbid a start, warnings don't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// What must be mended.
    pub errors: Vec<Problem>,
    /// What works, but probably not as meant.
    pub warnings: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    /// One line each, errors first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.errors.iter().map(|problem| ("error", problem));
        let warnings = self.warnings.iter().map(|problem| ("warning", problem));
        for (nth, (kind, problem)) in errors.chain(warnings).enumerate() {
            let gap = if nth == 0 { "" } else { "\n" };
            write!(f, "{gap}{kind}: {problem}")?;
        }
        Ok(())
    }
}

impl Problems {
    pub(super) fn error(&mut self, path: impl Into<String>, words: impl Into<String>) {
        let path = path.into();
        if path.is_empty() || !self.errors.iter().any(|known| known.path == path) {
            self.errors.push(Problem { line: None, path, words: words.into() });
        }
    }

    pub(super) fn warn(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.warnings.push(Problem { line: None, path: path.into(), words: words.into() });
    }

    /// The value of a key that has no default; without it `words` say what belongs there.
    pub(super) fn required<T>(&mut self, value: Option<T>, path: impl Into<String>, words: &str) -> Option<T> {
        if value.is_none() {
            self.error(path, format!("missing: {words}"));
        }
        value
    }

    /// Gives each problem its line and puts them in the order of the file; those without a line come last.
    pub(super) fn locate(&mut self, line_of: impl Fn(&str) -> Option<usize>) {
        for problem in self.errors.iter_mut().chain(&mut self.warnings) {
            problem.line = problem.line.or_else(|| line_of(&problem.path));
        }
        let order = |problem: &Problem| problem.line.unwrap_or(usize::MAX);
        self.errors.sort_by_key(order);
        self.warnings.sort_by_key(order);
    }
}
