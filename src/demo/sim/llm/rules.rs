//! A keyword classifier: stands for the language model in the demo and in tests, never in the product.
//!
//! It adds up the weights of the phrases that give a class away; the first class in `LABELS` wins a tie, and silence is
//! noise or a general question. Deterministic, English with a little of the languages around it. It must get plain
//! leads right, not hard ones: a test that needs more says what the model shall answer ([`super::Says`]).

/// Phrases by weight, separated by bars; a phrase counts once, wherever it stands.
type Rules = &'static [(u32, &'static str)];

/// The classes and what gives them away, in the order in which a tie is decided.
const LABELS: [(&str, Rules); 4] =
    [("TIRE_KICKER", RESEARCH), ("SUPPORT_REQUEST", SUPPORT), ("URGENT_BUYER", BUYER), ("SPAM", SPAM)];

/// Somebody who wants to buy, soon.
const BUYER: Rules = &[
    (
        3,
        "\
        purchase order|order form|signed po|budget is|budget of|board approved|approved by|signing authority|\
        send me the contract|send the contract|rfq|pay today|pay tonight|pay on the day|ready to buy|\
        want to buy|want to order|we want the|i'll take|put me down|hold the|deposit|engagement letter|wire the|\
        rush fee|card's in my hand|take a card|pay the balance|we have chosen|i want the|go ahead|purchase|\
        finanzierung steht|anzahlung|fest buchen|bon de commande|puedo pagar|pago en efectivo|quiero comprar|\
        quero fechar|zamówienie|zaliczk|采购|合同|أريد شراء|can start monday|who is available|cleared today|\
        order by phone",
    ),
    (
        2,
        "\
        a quote|the quote|quote for|by tomorrow|by friday|by monday|by end of|end of day|before friday|\
        this friday|this saturday|for saturday|saturday|tonight|this afternoon|right now|right away|asap|urgent|\
        how soon|deadline|need|we'd like to order|units|seats|per-seat|licenses|annual plan|next install|\
        install week|book me|in stock|available|move fast|budget|closing in|approved|rate|confirm|party of|\
        guests|price?|dringend|heute noch|c'est urgent|hoy|mañana|urgente|antes do dia|do piątku|jutro|\
        demo next week|pricing",
    ),
    (
        1,
        "\
        today|tomorrow|friday|monday|thursday|wednesday|sunday|$|k |order|install|contract|sign|pay|quarter|\
        replace|price|people|pick|start",
    ),
];

/// Somebody who only wants to know.
const RESEARCH: Rules = &[
    (
        3,
        "\
        just curious|curious|no plans|just reading|just looking|only browsing|not decided|\
        nothing has been decided|just asking|don't want a quote|only want to know|newsletter|for school|project|\
        student|teach|someday|at some point|thinking of|long list|compare to|difference between|\
        what's the difference|simple curiosité|just an idea|sólo quiero tener|todavía no|ainda sem data|\
        unterscheidet|interessiert mich|ciekaw|目前只是|想多了解|vs |is there any truth|in general|in a year|\
        not a sales conversation|early research|overrated|trivia|unterschied|الفرق",
    ),
    (
        2,
        "\
        how does|how do you|do you offer|do you have|do you support|do you let|is there|what is|what are|\
        what do|which|how much|can you explain|should|any tips|does |why |at what age|wondering|would you|\
        tend to cost|normally charge|roughly|free plan|on-prem|gibt es|lohnt|est ce que|les prix|hacen|qué es|\
        aceitam|ile lat|支持|to know|can you sue|are those|do they",
    ),
    (
        1,
        "\
        ?|compare|cost|price|ideas|maybe|read|what",
    ),
];

/// A customer who needs help.
const SUPPORT: Rules = &[
    (
        3,
        "\
        my account|log in|login|can't get in|password|doesn't work|does not work|stopped working|not working|\
        crash|error|fix this|broken|my order|my invoice|invoice #|order #|where is|refund|bill |charged|\
        charging|return authorization|claim|reissue|replacement|warranty claim|drips|reinstall|sync|two-factor|\
        2fa|sso|my service appointment|you did|you sold us|you have my|your guy|your tech|your crew|\
        the crew left|you filed|installed at|my plan|my tenant|tenant:|left a|paying customers|paying customer|\
        our subscription|eingebaut haben|zeigt fehler|no funciona|ya no|les dejé|n'arrive pas|mon contrat|\
        télécharger|comprei|aparece|porysowała|szkod|黑屏|保修|remove my number|since the migration|\
        since the update|fitted|ayer todavía|mine are from",
    ),
    (
        2,
        "\
        appointment|update|technician|loops|blank|wrong|nobody answers|third time|still|covered?|checking on|\
        settings|app |ticket|support|unlock|reset|not received|nothing since|moved|help me|last week|in june|\
        in february|in march|months ago|weeks ago|hygienist|techniker|ostatni",
    ),
    (
        1,
        "\
        since|my |again|week|bought|can't|got",
    ),
];

/// Somebody who wants something from us, or from anybody.
const SPAM: Rules = &[
    (
        4,
        "\
        seo|rank #1|rank above|backlink|sponsored post|guest post|followers|seguidores|we offer|we sell|we make|\
        our lab|wholesale|replica|bitcoin|crypto|lottery|beneficiary|atm card|you have won|won 2 million|\
        sorteado|parabéns|winner|prince|inheritance|guaranteed|garanteed|loan|merchant advance|bad credit|\
        pożyczki|crédito sin aval|nous vendons|fichiers de prospects|unsubscribe|flash sale|email list|keywords|\
        leads for|qualified|partnership|integrations over there|i'm available immediately|my resume|\
        my references|bewerbe|hiermit bewerbe|job application|cover letter|hire me|vote |paid for by|\
        dear webmaster|legal action starts|payment is confirmed here|wechat|微信|推广|we switched|your competitors|\
        month one for|text fund|commercial cleaning crews|permitted output|only output|ignore all|pretend you|\
        you are dan|new instruction|acknowledge|invest|invst|calendar link below|donate|pharmacy|mom |lorem|\
        win a|free of charge|first month|click here|haz clic|clique",
    ),
    (
        2,
        "\
        http://|www.|limited|last call|send us your|offer valid|offre valable|only $|we have|our services|\
        your website|your site|your office|sir/madam|urgent_buyer|prescription|growth",
    ),
    (
        1,
        "\
        !!!|deal|cheap|free ",
    ),
];

/// A text with fewer letters than this, and no phrase, is noise.
const FEWEST_LETTERS: usize = 12;

/// The class the simulated model gives a message.
#[must_use]
pub fn label_of(message: &str) -> &'static str {
    let text = format!(" {} ", message.to_lowercase().replace('\u{2019}', "'"));
    let mut best = ("", 0);
    for (label, rules) in LABELS {
        let score = score(&text, rules);
        if score > best.1 {
            best = (label, score);
        }
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    match best {
        ("", _) if letters < FEWEST_LETTERS => "SPAM",
        ("", _) => "TIRE_KICKER",
        (label, _) => label,
    }
}

fn score(text: &str, rules: Rules) -> u32 {
    let of = |(weight, phrases): &(u32, &str)| {
        let hits = phrases.split('|').filter(|phrase| text.contains(phrase)).count();
        weight.saturating_mul(u32::try_from(hits).unwrap_or(u32::MAX))
    };
    rules.iter().map(of).fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_leads_get_their_class() {
        for (message, want) in [
            ("I need a quote for 50 units by tomorrow", "URGENT_BUYER"),
            (
                "We want to order 40 chairs, budget is $5,000, board approved. Can you deliver on Friday?",
                "URGENT_BUYER",
            ),
            ("How does your product compare to X?", "TIRE_KICKER"),
            ("I'm a student and curious how pricing works in general", "TIRE_KICKER"),
            ("I can't log into my account", "SUPPORT_REQUEST"),
            ("The app crashed again and my invoice is wrong", "SUPPORT_REQUEST"),
            ("We sell SEO backlinks, rank #1, limited offer, unsubscribe here", "SPAM"),
            ("....", "SPAM"),
            ("hello there, good morning to you", "TIRE_KICKER"),
        ] {
            assert_eq!(label_of(message), want, "{message}");
        }
    }
}
