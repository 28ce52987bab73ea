//! The part of SOQL that an integration needs, read strictly: what the real parser would refuse is refused.
//!
//! `SELECT fields FROM object [WHERE condition] [ORDER BY field [ASC|DESC]] [LIMIT n]`. `AND` and `OR` side by side need
//! parentheses, texts are in single quotes with a few escapes, dates stand bare. Source: "SOQL and SOSL Reference".

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) fields: Vec<String>,
    pub(super) object: String,
    pub(super) condition: Option<Condition>,
    /// The field, and whether the highest comes first.
    pub(super) order: Option<(String, bool)>,
    pub(super) limit: Option<usize>,
}

/// What must hold of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Is { field: String, operator: String, value: Literal },
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    /// A date, a time, a number, `true`, `false` or `null`, as it stands.
    Bare(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

/// Reads a question, or says what is wrong with it.
pub(super) fn read(text: &str) -> Result<Question, String> {
    let mut tokens = Tokens { rest: tokens(text)?.into_iter().rev().collect() };
    tokens.keyword("SELECT")?;
    let mut fields = vec![tokens.name()?];
    while tokens.sign(",") {
        fields.push(tokens.name()?);
    }
    tokens.keyword("FROM")?;
    let object = tokens.name()?;
    let condition = if tokens.is_keyword("WHERE") { Some(tokens.condition()?) } else { None };
    let order = if tokens.is_keyword("ORDER") {
        tokens.keyword("BY")?;
        let field = tokens.name()?;
        let descends = tokens.is_keyword("DESC");
        if !descends {
            tokens.is_keyword("ASC");
        }
        Some((field, descends))
    } else {
        None
    };
    let limit = if tokens.is_keyword("LIMIT") {
        Some(tokens.name()?.parse().map_err(|_| "LIMIT is not followed by a number".to_owned())?)
    } else {
        None
    };
    match tokens.rest.pop() {
        None => Ok(Question { fields, object, condition, order, limit }),
        Some(token) => Err(format!("unexpected token: {token:?}")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let (mut found, mut chars) = (Vec::new(), text.chars().peekable());
    let in_word = |c: char| c.is_ascii_alphanumeric() || "_.:+-".contains(c);
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '\'' => found.push(Token::Text(text_of(&mut chars)?)),
            ',' | '(' | ')' | '=' => found.push(Token::Sign(c.to_string())),
            '<' | '>' | '!' => {
                let equal = chars.next_if_eq(&'=').is_some();
                if c == '!' && !equal {
                    return Err("unexpected token: !".to_owned());
                }
                found.push(Token::Sign(if equal { format!("{c}=") } else { c.to_string() }));
            }
            c if in_word(c) => {
                let mut word = c.to_string();
                while let Some(c) = chars.next_if(|c| in_word(*c)) {
                    word.push(c);
                }
                found.push(Token::Word(word));
            }
            c => return Err(format!("line 1: unexpected char {c:?}")),
        }
    }
    Ok(found)
}

/// The rest of a text in single quotes.
fn text_of(chars: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err("a text has no end".to_owned()),
            Some('\'') => return Ok(text),
            Some('\\') => text.push(match chars.next() {
                Some(c @ ('\'' | '"' | '\\')) => c,
                Some('n' | 'N') => '\n',
                Some('r' | 'R') => '\r',
                Some('t' | 'T') => '\t',
                Some('b' | 'B') => '\u{8}',
                Some('f' | 'F') => '\u{c}',
                other => return Err(format!("illegal character sequence '\\{}'", other.unwrap_or(' '))),
            }),
            Some(c) => text.push(c),
        }
    }
}

/// What is still to be read, last first.
struct Tokens {
    rest: Vec<Token>,
}

impl Tokens {
    fn name(&mut self) -> Result<String, String> {
        match self.rest.pop() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(format!("unexpected token: {other:?}")),
        }
    }

    fn keyword(&mut self, wanted: &str) -> Result<(), String> {
        if self.is_keyword(wanted) { Ok(()) } else { Err(format!("expecting {wanted}, found {:?}", self.rest.last())) }
    }

    fn is_keyword(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.rest.last(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        is_it && self.rest.pop().is_some()
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.rest.last(), Some(Token::Sign(sign)) if sign == wanted);
        is_it && self.rest.pop().is_some()
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let first = self.term()?;
        let (all, any) = (self.is_keyword("AND"), self.is_keyword("OR"));
        if !all && !any {
            return Ok(first);
        }
        let mut terms = vec![first, self.term()?];
        while self.is_keyword(if all { "AND" } else { "OR" }) {
            terms.push(self.term()?);
        }
        if self.is_keyword(if all { "OR" } else { "AND" }) {
            return Err("AND and OR side by side need parentheses".to_owned());
        }
        Ok(if all { Condition::All(terms) } else { Condition::Any(terms) })
    }

    fn term(&mut self) -> Result<Condition, String> {
        if self.sign("(") {
            let condition = self.condition()?;
            return if self.sign(")") { Ok(condition) } else { Err("expecting a right parenthesis".to_owned()) };
        }
        let field = self.name()?;
        let operator = match self.rest.pop() {
            Some(Token::Sign(sign)) if ["=", "!=", "<", "<=", ">", ">="].contains(&sign.as_str()) => sign,
            other => return Err(format!("unexpected token: {other:?}")),
        };
        let value = match self.rest.pop() {
            Some(Token::Text(text)) => Literal::Text(text),
            Some(Token::Word(word)) => Literal::Bare(word),
            other => return Err(format!("unexpected token: {other:?}")),
        };
        Ok(Condition::Is { field, operator, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_with_its_escapes() {
        let text = r"SELECT Id, Name FROM Task WHERE (A = 'it\'s \\ \n' OR B >= 2026-11-23) AND C != true ORDER BY Id DESC LIMIT 5";
        let question = read(text).unwrap();
        assert_eq!((question.fields.len(), question.object.as_str(), question.limit), (2, "Task", Some(5)));
        assert_eq!(question.order, Some(("Id".to_owned(), true)));
        let Some(Condition::All(terms)) = question.condition else { panic!() };
        let Condition::Any(any) = &terms[0] else { panic!() };
        let Condition::Is { value, .. } = &any[0] else { panic!() };
        assert_eq!(*value, Literal::Text("it's \\ \n".to_owned()));
    }

    #[test]
    fn what_the_real_one_would_refuse_is_refused() {
        for text in [
            "",
            "SELECT FROM Lead",
            "SELECT Id FROM Lead WHERE",
            "SELECT Id FROM Lead WHERE Id = 'a",
            "SELECT Id FROM Lead WHERE Id = 'it's'",
            r"SELECT Id FROM Lead WHERE Id = '\q'",
            "SELECT Id FROM Lead WHERE Id == 'a'",
            "SELECT Id FROM Lead WHERE Id = \"a\"",
            "SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3",
            "SELECT Id FROM Lead WHERE (A = 1",
            "SELECT Id FROM Lead LIMIT x",
            "SELECT Id FROM Lead; SELECT Id FROM Task",
            "SELECT Id FROM Lead LIMIT 1 ORDER BY Id",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
