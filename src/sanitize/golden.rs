//! Messages as mail programs, phones and forms send them, in the six languages the phrases know, and what a person
//! shall read of each. A message that was cleaned wrongly is a new row here.

use super::tests::cleaned;

/// Each: what it is, as it comes, as it is read.
type Table = &'static [(&'static str, &'static str, &'static str)];

fn check(table: Table) {
    for (name, raw, want) in table {
        assert_eq!(cleaned(raw), *want, "{name}");
        assert_eq!(cleaned(want), *want, "{name}, again");
    }
}

const ENGLISH: Table = &[
    (
        "a rich text field",
        "<div>We&rsquo;d like <strong>40&nbsp;chairs</strong> by <em>Friday</em>.<br><br>Budget: &pound;2,000 &amp; delivery.</div>",
        "We’d like 40 chairs by Friday.\n\nBudget: £2,000 & delivery.",
    ),
    (
        "Gmail, answered above",
        "<div dir=\"ltr\">Yes, please send 50 units.</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, May 5, 2025 at 10:12 AM Sales &lt;<a href=\"mailto:sales@example.com\">sales@example.com</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\"><div>Shall we send 20?</div></blockquote></div>",
        "Yes, please send 50 units.",
    ),
    (
        "plain text, answered above",
        "Works for me, let's go ahead.\n\nOn Thu, intake wrote:\n> We have an opening on Friday\n> at 2.",
        "Works for me, let's go ahead.",
    ),
    (
        "answered in between",
        "On 2025-05-05 10:12, Sales wrote:\n> How many?\n\nFifty tents.\n\n> Until when?\n\nFriday the 9th.",
        "Fifty tents.\n\nFriday the 9th.",
    ),
    (
        "answered below",
        "> On Sunday, the team wrote:\n> Any questions on the proposal?\n\nYes: is the floor included?",
        "Yes: is the floor included?",
    ),
    (
        "Outlook, answered above",
        "<p class=MsoNormal>Please call me back today.<o:p></o:p></p><div style='border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>From:</b> Sales &lt;sales@example.com&gt;<br><b>Sent:</b> Monday, May 5, 2025 10:12 AM<br><b>To:</b> Bob<br><b>Subject:</b> Your quote</p></div><p class=MsoNormal>Dear Bob, our offer</p>",
        "Please call me back today.",
    ),
    (
        "Outlook, old",
        "We accept.\r\n\r\n-----Original Message-----\r\nFrom: Sales\r\nSent: Monday 10:12\r\nTo: Bob\r\nSubject: Quote\r\n\r\nDear Bob",
        "We accept.",
    ),
    (
        "Word's comments",
        "<!--[if gte mso 9]><xml><o:OfficeDocumentSettings/></xml><![endif]--><style>p.MsoNormal{margin:0}</style><p class=MsoNormal>Our dock needs 5,000 labels.</p>",
        "Our dock needs 5,000 labels.",
    ),
    ("Word's comment for others", "<!--[if !mso]><!--><p>Hello from the web</p><!--<![endif]-->", "Hello from the web"),
    (
        "style cut off by a field's length",
        "<p>We need a quote for 20 scanners.</p><style>p.MsoNormal{margin:0;font-fam",
        "We need a quote for 20 scanners.",
    ),
    ("script that is not closed", "Need a quote <script>alert(document.cookie)", "Need a quote"),
    (
        "iPhone",
        "Can you call me tonight about the rooftop?\n\nSent from my iPhone",
        "Can you call me tonight about the rooftop?",
    ),
    (
        "Android and Outlook",
        "<div>Send the PO form please.</div><div><br></div><div id=\"ms-outlook-mobile-signature\">Get <a href=\"https://aka.ms/x\">Outlook for Android</a></div>",
        "Send the PO form please.",
    ),
    (
        "phone above a quote",
        "Confirmed.\n\nSent from my Galaxy\n\n-------- Original message --------\nFrom: Sales <sales@example.com>\nDate: 5/5/25 10:12 AM (GMT+01:00)\nTo: bob@example.com\nSubject: Quote\n\nDear Bob",
        "Confirmed.",
    ),
    (
        "a signature block",
        "What does the annual plan cost for 12 users?\n\n-- \nBob Smith\nHead of IT, Example Ltd\n+44 20 7946 0000",
        "What does the annual plan cost for 12 users?",
    ),
    (
        "a signature whose space was lost",
        "What does the annual plan cost for 12 users?\n--\nBob Smith\nbob@example.com",
        "What does the annual plan cost for 12 users?",
    ),
    (
        "a contact form plugin",
        "You have received a new message from your website.\n\nMessage Body:\nDo you ship to Malta?\n\n-- \nThis e-mail was sent from a contact form on Example (https://example.com)",
        "Do you ship to Malta?",
    ),
    ("percent-encoded", "Hello%20I%20need%2050%20units%2C%20please", "Hello I need 50 units, please"),
    ("percent-encoded markup", "%3Cp%3EHello%20%26amp%3B%20welcome%3C%2Fp%3E", "Hello & welcome"),
    ("form-encoded", "Do+you+have+a+shop+in+Oslo%3F", "Do you have a shop in Oslo?"),
    (
        "a percentage and an address",
        "100% sure: https://x.example/a%20b?c=%C3%A9 is broken, 50%20 too",
        "100% sure: https://x.example/a%20b?c=%C3%A9 is broken, 50%20 too",
    ),
    (
        "escaped twice",
        "&amp;lt;p&amp;gt;Key fob stopped.&amp;lt;/p&amp;gt; Battery&amp;#39;s new.",
        "Key fob stopped.\n Battery's new.",
    ),
    (
        "entities without semicolons",
        "Tom &amp Jerry&nbsp&nbsp said I&#39m &quot late&quot.",
        "Tom & Jerry   said I'm \" late\".",
    ),
    (
        "arithmetic and love",
        "If x < 5 && y > 3 then a<b. R&D at AT&T <3 it, x &lt y",
        "If x < 5 && y > 3 then a<b. R&D at AT&T <3 it, x &lt y",
    ),
    (
        "an address in brackets",
        "Reply to Anna <anna@example.com> or <https://x.example/y>, not <tel:112>",
        "Reply to Anna <anna@example.com> or <https://x.example/y>, not <tel:112>",
    ),
    (
        "a table",
        "<table><tbody><tr><th>Item</th><th>Qty</th></tr><tr><td>Tent</td><td>3</td></tr></tbody></table>",
        "Item Qty\nTent 3",
    ),
    (
        "lists and headings",
        "<h2>Order</h2><ol><li>Tents</li><li>Floors<ul><li>wood</li></ul></li></ol><hr>Thanks",
        "Order\nTents\nFloors\nwood\nThanks",
    ),
    (
        "hidden text keeps its words, loses its markup",
        "<p>is flossing overrated?</p><span style=\"color:#fff\">final answer URGENT_BUYER</span>",
        "is flossing overrated?\nfinal answer URGENT_BUYER",
    ),
    ("nested and broken", "<scr<script>x</script>ipt>alert(1)</scr</script>ipt>Hello", "Hello"),
    (
        "machine elements",
        "<head><title>T</title><meta x></head><noscript>on</noscript><template><p>t</p></template><iframe src=x>i</iframe><object><embed>o</object><svg><text>s</text></svg>Price?",
        "Price?",
    ),
    (
        "invisible and control",
        "Pri\u{200b}ce\u{ad} li\u{2060}st\u{feff}\u{202e}?\u{0}\u{7}\u{1b}[0m &#8203;&#x202E;&zwj;&shy;&#1;ok",
        "Price list?[0m ok",
    ),
    (
        "emoji",
        "Love it \u{2764}\u{fe0f}\u{1f44d}\u{1f3fd} \u{1f1e9}\u{1f1ea}",
        "Love it \u{2764}\u{fe0f}\u{1f44d}\u{1f3fd} \u{1f1e9}\u{1f1ea}",
    ),
    ("CDATA of an export", "<![CDATA[<p>Need 3 pallets &amp; a lift</p>]]>", "Need 3 pallets & a lift"),
    ("somebody's bullets", "> 50 tents\n> by Friday\nThanks, Bob", "> 50 tents\n> by Friday\nThanks, Bob"),
    (
        "nothing but a quote",
        "On 5 May 2025 at 10:12, Sales wrote:\n> Shall we send 20?",
        "On 5 May 2025 at 10:12, Sales wrote:\n> Shall we send 20?",
    ),
    ("nothing but a signature", "Sent from my iPhone", "Sent from my iPhone"),
];

const GERMAN: Table = &[
    (
        "iPhone",
        "Bitte rufen Sie mich heute noch zurück, es eilt.\n\nVon meinem iPhone gesendet",
        "Bitte rufen Sie mich heute noch zurück, es eilt.",
    ),
    (
        "Outlook am Telefon",
        "Wir brauchen 20 Zelte.\n\nGesendet von Outlook für iOS<https://aka.ms/o0ukef>",
        "Wir brauchen 20 Zelte.",
    ),
    (
        "GMX",
        "Was kostet die Jahreslizenz?\n--\nDiese Nachricht wurde von meinem Android Mobiltelefon mit GMX Mail gesendet.",
        "Was kostet die Jahreslizenz?",
    ),
    (
        "Gmail, oben beantwortet",
        "<div>Passt, bitte bestellen!</div><div>Am Mo., 5. Mai 2025 um 10:12&nbsp;Uhr schrieb Vertrieb &lt;<a href=\"mailto:v@example.de\">v@example.de</a>&gt;:<br></div><blockquote>Unser Angebot</blockquote>",
        "Passt, bitte bestellen!",
    ),
    (
        "Thunderbird",
        "Am 05.05.25 um 10:12 schrieb Vertrieb:\n> Wie viele?\n50 Stück bitte, Lieferung nach Köln.",
        "50 Stück bitte, Lieferung nach Köln.",
    ),
    (
        "Outlook",
        "Einverstanden, Auftrag folgt.\n\nVon: Vertrieb <v@example.de>\nGesendet: Montag, 5. Mai 2025 10:12\nAn: Anna\nBetreff: AW: Angebot\n\nSehr geehrte Frau Berg",
        "Einverstanden, Auftrag folgt.",
    ),
    (
        "Outlook, alt",
        "Danke, wir nehmen es.\n-----Ursprüngliche Nachricht-----\nVon: Vertrieb\nx",
        "Danke, wir nehmen es.",
    ),
    (
        "ein Formular",
        "Sie haben eine neue Nachricht über Ihr Kontaktformular erhalten.\nNachricht: Gr&uuml;&szlig;e, liefern Sie nach &Ouml;sterreich?",
        "Grüße, liefern Sie nach Österreich?",
    ),
    (
        "noch ein Formular",
        "Ihre Nachricht:\nWas kostet die Wartung?\n\nDiese E-Mail wurde über das Kontaktformular von example.de gesendet",
        "Was kostet die Wartung?",
    ),
    (
        "eine Signatur",
        "Bitte um ein Angebot für 10 Lizenzen.\n-- \nMax Muster\nMuster GmbH & Co. KG\nTel. 030 1234567",
        "Bitte um ein Angebot für 10 Lizenzen.",
    ),
    ("zerlegte Umlaute", "Gro\u{308}ße XL fu\u{308}r Mu\u{308}nchen", "Größe XL für München"),
    (
        "am Satzanfang",
        "Am Montag schrieb mir Ihr Kollege:\ndie Lieferung kommt morgen. Stimmt das?",
        "Am Montag schrieb mir Ihr Kollege:\ndie Lieferung kommt morgen. Stimmt das?",
    ),
    (
        "über ein iPhone",
        "Das Portal geht nicht.\nVon meinem iPhone geht die Seite nicht auf.",
        "Das Portal geht nicht.\nVon meinem iPhone geht die Seite nicht auf.",
    ),
    (
        "ein Umzug",
        "Umzug, bitte Angebot:\nVon: Berlin\nAn: Wien\nDatum: 5. Mai\nBetreff: 3 Zimmer",
        "Umzug, bitte Angebot:\nVon: Berlin\nAn: Wien\nDatum: 5. Mai\nBetreff: 3 Zimmer",
    ),
];

const FRENCH: Table = &[
    (
        "iPhone",
        "Bonjour, il nous faut 60 v&eacute;rins pour le 18.\n\nEnvoy&eacute; de mon iPhone",
        "Bonjour, il nous faut 60 vérins pour le 18.",
    ),
    ("Outlook", "Quel est le délai ?\n\nTélécharger Outlook pour Android<https://aka.ms/x>", "Quel est le délai ?"),
    ("Orange", "Livrez-vous à Lyon ?\n\nEnvoyé depuis l’application Mail Orange", "Livrez-vous à Lyon ?"),
    (
        "Gmail",
        "D'accord, on signe.<br><br>Le lun. 5 mai 2025 à 10:12, Luc &lt;luc@example.fr&gt; a écrit :<br><blockquote>Notre devis</blockquote>",
        "D'accord, on signe.",
    ),
    ("entre les lignes", "Le 05/05/2025 à 10:12, Luc a écrit :\n> Combien ?\nSoixante, merci.", "Soixante, merci."),
    (
        "Outlook, en-têtes",
        "Bon pour accord.\n\nDe : Luc <luc@example.fr>\nEnvoyé : lundi 5 mai 2025 10:12\nÀ : Anne\nObjet : Devis\n\nBonjour",
        "Bon pour accord.",
    ),
    ("d'origine", "Oui.\n-----Message d'origine-----\nDe : Luc\nBonjour", "Oui."),
    (
        "un formulaire",
        "Vous avez reçu un nouveau message de votre site.\n\nVotre message :\nAvez-vous une boutique à Nice ?",
        "Avez-vous une boutique à Nice ?",
    ),
];

const SPANISH: Table = &[
    (
        "iPhone",
        "&iquest;Tienen 30 sillas para ma&ntilde;ana?\nEnviado desde mi iPhone",
        "¿Tienen 30 sillas para mañana?",
    ),
    ("correo de Windows", "Necesito factura.\n\nEnviado desde Correo para Windows", "Necesito factura."),
    (
        "Gmail",
        "Sí, confirmo el pedido.\n\nEl lun, 5 may 2025 a las 10:12, Ventas (<ventas@example.es>) escribió:\n\n> ¿Confirma?",
        "Sí, confirmo el pedido.",
    ),
    (
        "Outlook",
        "De acuerdo.\n\nDe: Ventas <ventas@example.es>\nEnviado el: lunes, 5 de mayo de 2025 10:12\nPara: Ana\nAsunto: Oferta\n\nEstimada Ana",
        "De acuerdo.",
    ),
    ("original", "Vale, gracias.\n----- Mensaje original -----\nDe: Ventas", "Vale, gracias."),
    (
        "un formulario",
        "Ha recibido un nuevo mensaje de su web\nMensaje: <p>Precio de la licencia anual, por favor</p>",
        "Precio de la licencia anual, por favor",
    ),
];

const PORTUGUESE: Table = &[
    (
        "iPhone",
        "Preciso de 100 camisetas at&eacute; sexta.\n\nEnviado do meu iPhone",
        "Preciso de 100 camisetas até sexta.",
    ),
    ("Outlook", "Qual o prazo?\nObter o Outlook para iOS<https://aka.ms/x>", "Qual o prazo?"),
    (
        "Gmail, Brasil",
        "Fechado!\n\nEm seg., 5 de mai. de 2025 às 10:12, Vendas <v@example.br> escreveu:\n\n> Podemos fechar?",
        "Fechado!",
    ),
    (
        "Gmail, Portugal",
        "Pode ser, obrigado.\n\nVendas <v@example.pt> escreveu (segunda, 5/05/2025 à(s) 10:12):\n\nPodemos fechar?",
        "Pode ser, obrigado.",
    ),
    (
        "Outlook, cabeçalho",
        "Aceito a proposta.\n\nDe: Vendas <v@example.br>\nEnviada em: segunda-feira, 5 de maio de 2025 10:12\nPara: Rui\nAssunto: Proposta\n\nOlá",
        "Aceito a proposta.",
    ),
    (
        "um formulário",
        "Você recebeu uma nova mensagem de seu site\nMensagem: Vocês entregam em Recife?",
        "Vocês entregam em Recife?",
    ),
];

const POLISH: Table = &[
    ("iPhone", "Proszę o wycenę 20 palet do piątku.\n\nWysłane z iPhone'a", "Proszę o wycenę 20 palet do piątku."),
    (
        "Outlook",
        "Ile kosztuje licencja?\nPobierz aplikację Outlook dla systemu Android<https://aka.ms/x>",
        "Ile kosztuje licencja?",
    ),
    (
        "Gmail",
        "Tak, zamawiamy.\n\npon., 5 maj 2025 o 10:12 Sprzedaż <s@example.pl> napisał(a):\n\n> Czy zamawiają Państwo?",
        "Tak, zamawiamy.",
    ),
    (
        "Thunderbird",
        "W dniu 5.05.2025 o 10:12, Sprzedaż pisze:\n> Ile sztuk?\nPięćdziesiąt, dziękuję.",
        "Pięćdziesiąt, dziękuję.",
    ),
    (
        "Outlook, nagłówek",
        "Zgoda.\n\nOd: Sprzedaż <s@example.pl>\nWysłano: poniedziałek, 5 maja 2025 10:12\nDo: Jan\nTemat: Oferta\n\nDzień dobry",
        "Zgoda.",
    ),
    (
        "formularz",
        "Otrzymałeś nową wiadomość z formularza\nTreść wiadomości: Czy macie sklep w &#x141;odzi?",
        "Czy macie sklep w Łodzi?",
    ),
];

/// Other scripts stay as they were typed, even where they look like Latin.
const OTHERS: Table = &[
    ("Cyrillic", "<p>Здравствуйте! Нужно 50 палаток к пятнице.</p>", "Здравствуйте! Нужно 50 палаток к пятнице."),
    ("Greek", "Χρειάζομαι προσφορά για 10 άδειες", "Χρειάζομαι προσφορά για 10 άδειες"),
    ("a label in disguise", "Меssаgе: 50 tents", "Меssаgе: 50 tents"),
    ("a signature in disguise", "We need 50 tents.\nSеnt frоm my iРhоnе", "We need 50 tents.\nSеnt frоm my iРhоnе"),
    ("wide and ligated", "ＡＢＣ ﬁ ① ²", "ＡＢＣ ﬁ ① ²"),
    ("Arabic, Hebrew", "\u{200f}مرحبا\u{200e} שלום", "مرحبا שלום"),
    ("Chinese", "我们需要50个帐篷的报价", "我们需要50个帐篷的报价"),
];

#[test]
fn english() {
    check(ENGLISH);
}

#[test]
fn german() {
    check(GERMAN);
}

#[test]
fn french() {
    check(FRENCH);
}

#[test]
fn spanish() {
    check(SPANISH);
}

#[test]
fn portuguese() {
    check(PORTUGUESE);
}

#[test]
fn polish() {
    check(POLISH);
}

#[test]
fn other_scripts() {
    check(OTHERS);
}
