//! The words of a follow-up, who gets one, and that nothing of a message leaves in it.

use proptest::prelude::*;

use super::*;
use crate::model::{AddressHash, Lane};
use crate::route::tests::lead;

/// Knows one address by its first letters, and a page for each.
#[derive(Debug)]
pub(crate) struct Plain;

impl Addresses for Plain {
    fn hash(&self, address: &str) -> AddressHash {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(address.to_lowercase().bytes()).for_each(|(to, from)| *to = from);
        AddressHash::new(bytes)
    }

    fn unsubscribe_url(&self, hash: AddressHash) -> Option<String> {
        Some(format!("https://desk.example/u/{hash}"))
    }

    fn of_token(&self, token: &str) -> Option<AddressHash> {
        token.parse().ok()
    }
}

fn resource(title: &str, topics: &[&str], language: Option<&str>) -> Resource {
    Resource {
        title: title.into(),
        url: format!("https://acme.example/{}", title.to_lowercase().replace(' ', "-")),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        language: language.map(str::to_owned),
    }
}

pub(crate) fn follow_up() -> FollowUp {
    FollowUp {
        channel: Channel::new(Lane::Mail, "smtp"),
        languages: ["en", "de"].into_iter().filter_map(Language::built_in).collect(),
        resources: vec![
            resource("Price list", &["price", "prices", "cost"], None),
            resource("Data sheets", &["data sheet"], None),
            resource("Überblick", &[], Some("de")),
            resource("Overview", &[], Some("en")),
        ],
        calendar: Some("https://cal.example/acme".into()),
        business: "Acme & Sons".into(),
        footer: "You get this one mail because you wrote to us.".into(),
        postal_address: "1 Main Street, Springfield".into(),
        own_domains: vec!["acme.example".into()],
        addresses: Arc::new(Plain),
        once_per: Duration::from_hours(7 * 24),
        per_hour: 30,
        give_up_after: Duration::from_hours(72),
    }
}

fn asks(message: &str) -> Lead {
    Lead { message: Some(message.into()), ..lead() }
}

#[test]
fn the_mail_of_an_ordinary_evening() {
    let mail =
        mail(&follow_up(), &asks("Hello, what do you charge? Could you send the Prices and a data-sheet?"), false);
    let mail = mail.unwrap();
    assert_eq!((mail.to.as_str(), mail.name.as_deref()), ("anna@example.com", Some("Anna")));
    assert_eq!(mail.subject, "Your message to Acme & Sons");
    let want = "\
Hello Anna,

thank you for writing to Acme & Sons. Your message has reached us, and we are closed at the moment.

This may answer what you asked:

- Price list: https://acme.example/price-list
- Data sheets: https://acme.example/data-sheets
- Overview: https://acme.example/overview

If you would rather talk, pick a time that suits you: https://cal.example/acme

Whatever else you would like to know: just answer this mail.

Kind regards
Acme & Sons

--
You get this one mail because you wrote to us.
1 Main Street, Springfield
No more mail from us: https://desk.example/u/616e6e61406578616d706c652e636f6d
";
    assert_eq!(mail.text, want);
    assert_eq!(mail.unsubscribe.as_deref(), Some("https://desk.example/u/616e6e61406578616d706c652e636f6d"));
    for part in [
        "<p>Hello Anna,</p>",
        "<p>thank you for writing to Acme &amp; Sons.",
        "<li><a href=\"https://acme.example/price-list\">Price list</a></li>",
        "<a href=\"https://cal.example/acme\">https://cal.example/acme</a>",
    ] {
        assert!(mail.html.contains(part), "{part}\n{}", mail.html);
    }
}

#[test]
fn the_language_is_the_writers() {
    for (message, want) in [
        ("How does your product compare to theirs?", "Hello Anna,"),
        ("Guten Tag, wie viel kostet das und wann können Sie liefern?", "Guten Tag Anna,"),
        ("Bonjour, quels sont vos tarifs ?", "Hello Anna,"),
        ("42", "Hello Anna,"),
    ] {
        let mail = mail(&follow_up(), &asks(message), true).unwrap();
        assert!(mail.text.starts_with(want), "{message}: {}", mail.text);
    }
    let german = mail(&follow_up(), &asks("Was ist das und was kann es?"), true).unwrap();
    assert!(german.text.contains("Überblick") && !german.text.contains("Overview"), "{}", german.text);
}

#[test]
fn a_name_is_letters_or_nothing() {
    for (name, want) in [
        ("Anna Berg", Some("Anna")),
        ("Zoë", Some("Zoë")),
        ("Dr. Who", None),
        ("x", None),
        ("https://evil.example now", None),
        ("Win$$$ now", None),
        ("", None),
        ("A\r\nBcc: b@c.d", None),
        (&"a".repeat(41), None),
    ] {
        assert_eq!(greeted(name).as_deref(), want, "{name:?}");
    }
}

#[test]
fn who_gets_none() {
    let settings = follow_up();
    let now = lead().received_at.after(Duration::from_mins(1));
    for (address, want) in [
        ("anna@example.com", None),
        ("no-reply@example.com", Some("no person reads that mailbox")),
        ("NoReply+x@example.com", Some("no person reads that mailbox")),
        ("MAILER-DAEMON@example.com", Some("no person reads that mailbox")),
        ("bounces-17@example.com", Some("no person reads that mailbox")),
        ("list-request@example.com", Some("no person reads that mailbox")),
        ("dana@acme.example", Some("the address is one of ours")),
        ("dana@mail.ACME.example", Some("the address is one of ours")),
        ("dana@notacme.example", None),
        ("nowhere", Some("the address is none")),
    ] {
        assert_eq!(not_mailed(&settings, &lead(), address, now), want, "{address}");
    }
    let late = lead().received_at.after(Duration::from_hours(25));
    assert_eq!(not_mailed(&settings, &lead(), "anna@example.com", late), Some("more than a day has passed"));
    let found = Lead { made_at: Some(now.before(Duration::from_hours(30))), ..lead() };
    assert_eq!(not_mailed(&settings, &found, "anna@example.com", now), Some("more than a day has passed"));
    assert_eq!(mail(&settings, &Lead { email: None, ..lead() }, true), None);
}

#[test]
fn the_operators_words_are_taken_and_tried_first() {
    let words = || vec!["bonjour".to_owned()];
    let end = "{{ footer }}|{{ postal_address }}|{{ unsubscribe }}";
    let text = format!("Bonjour {{{{ name or '' }}}} {end}");
    let french = Language::new("fr", words(), "Votre message", &text, Some(&format!("<b>{{{{ name }}}}</b>{end}")));
    let settings = FollowUp { languages: vec![french.unwrap()], ..follow_up() };
    let lead = Lead { name: Some("Zoë".into()), ..asks("Bonjour") };
    let mail = mail(&settings, &lead, true).unwrap();
    assert_eq!(mail.subject, "Votre message");
    assert!(mail.text.starts_with("Bonjour Zoë You get this one mail"), "{}", mail.text);
    assert!(mail.html.starts_with("<b>Zoë</b>You get") && mail.html.contains("|1 Main Street"), "{}", mail.html);
    assert!(Language::new("fr", words(), "{{ mesage }}", &text, None).is_err(), "a name that nobody knows");
    for left_out in ["footer", "postal_address", "unsubscribe"] {
        let text = text.replace(&format!("{{{{ {left_out} }}}}"), "");
        let error = Language::new("fr", words(), "x", &text, None).unwrap_err().to_string();
        assert!(error.contains(left_out), "{error}");
    }
}

proptest! {
    /// Whatever somebody types into a form: none of it leaves by mail but a first name of letters.
    #[test]
    fn nothing_of_the_message_goes_out(message in "\\PC{0,200}", name in "\\PC{0,60}", source in "[a-z]{1,8}") {
        let odd = Lead { name: Some(name.clone()), source, ..asks(&message) };
        let mail = mail(&follow_up(), &odd, true).unwrap();
        let plain = |text: &str| {
            mail.name.as_ref().map_or_else(|| text.to_owned(), |name| text.replacen(&format!(" {name},"), ",", 1))
        };
        let texts: Vec<String> = [asks(&message), asks("hello you"), asks("bitte was")]
            .into_iter()
            .map(|lead| super::mail(&follow_up(), &Lead { name: None, ..lead }, true).unwrap().text)
            .collect();
        prop_assert!(texts.contains(&plain(&mail.text)), "{}", mail.text);
        prop_assert!(!mail.subject.contains(['\r', '\n']));
        if let Some(name) = &mail.name {
            prop_assert!(name.chars().all(char::is_alphabetic) && name.chars().count() <= 40);
        }
    }
}
