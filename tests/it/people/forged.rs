//! Who is nobody on call may type what they like: it is stored and shown, nothing is sent, and nothing changes.

use nightdesk::demo::sim::Posting;
use nightdesk::demo::sim::modem::Inbound;

use super::scene::{BOSS, DANA, Scene};
use crate::support::{PUBLIC_URL, Post};

/// What would cost most from somebody who is believed: a claim, a lead that is passed on, an explanation.
const TYPED: [&str; 4] = ["K7", "K7 NO", "ok", "HELP"];

#[tokio::test]
async fn nothing_costly_is_done_for_a_stranger() {
    let mut scene = Scene::open().await;
    let code = scene.lead().await;
    let before = scene.state();
    for (name, from, answerable) in [
        ("a stranger", "+15559999999", "true"),
        ("a name", "Dana", "false"),
        ("a name that reads like a number of ours", BOSS, "false"),
        ("a number without its plus sign", "15551230001", "true"),
        ("the end of a number", "5551230001", "true"),
        ("a short code", "12345", "false"),
    ] {
        for typed in TYPED {
            let typed = typed.replace("K7", &code);
            let inbound = Inbound::new(from, &typed);
            let shown = scene.types(&if from == BOSS { inbound.named() } else { inbound }).await;
            assert_eq!(shown, [from, &typed, "whole", answerable], "{name}");
            assert_eq!(scene.state(), before, "{name}: {typed}");
        }
    }
    assert_eq!(scene.sent().await, [""; 0]);
    scene.types(&Inbound::new(DANA, &code)).await;
    assert_eq!(scene.sent().await, [format!("Dana: {code} is yours.")]);
    assert_eq!(scene.office.violations(), [""; 0]);
}

/// The same by Twilio, which signs what it posts, whoever wrote it.
#[tokio::test]
async fn nor_for_one_who_comes_by_twilio() {
    let mut scene = Scene::open().await;
    let code = scene.lead().await;
    let before = scene.state();
    let url = format!("{PUBLIC_URL}/hooks/twilio/sms");
    let ours = "+15557122661";
    let mut nth = 0;
    let mut reply = |from: &str, text: &str| {
        nth += 1;
        scene.office.twilio.reply(&url, nth, from, ours, text)
    };
    let (stranger, name) = (reply("+15559999999", &code), reply("Dana", &code));
    let real = reply(DANA, &code);
    let forged = Posting { form: stranger.form.replace("%2B15559999999", "%2B15551230001"), ..stranger.clone() };
    for (who, posting, want) in [("a stranger", &stranger, 200), ("a name", &name, 200), ("forged", &forged, 403)] {
        assert_eq!(scene.office.post(&post(posting)).await.0, want, "{who}");
        assert_eq!(scene.state(), before, "{who}");
    }
    assert_eq!(scene.sent().await, [""; 0]);
    assert_eq!(scene.office.column("SELECT number FROM v_inbound"), ["Dana", "+15559999999"]);
    assert_eq!(scene.office.post(&post(&real)).await.0, 200);
    assert_eq!(scene.sent().await, [format!("Dana: {code} is yours.")]);
}

/// The modem is unplugged: the text goes by Twilio, and so does what is answered, and the answer to that.
#[tokio::test]
async fn a_reply_by_twilio_claims_while_the_modem_is_gone() {
    let mut scene = Scene::with("channels = [\"modem0\", \"twilio\"]\nfailover-after = \"300ms\"").await;
    scene.office.modem.unplug().await;
    let code = scene.enter().await;
    assert_eq!(scene.sent().await, [""; 0], "not by the modem");
    let texts =
        |scene: &Scene| scene.office.twilio.messages().into_iter().map(|text| (text.to, text.body)).collect::<Vec<_>>();
    let [(to, call)] = &texts(&scene)[..] else { panic!("{:?}", texts(&scene)) };
    assert!(to == DANA && call.starts_with(&format!("{code} URGENT")), "{to}: {call}");
    let url = format!("{PUBLIC_URL}/hooks/twilio/sms");
    let reply = scene.office.twilio.reply(&url, 1, DANA, "+15557122661", &format!("{} ok", code.to_lowercase()));
    for time in ["first", "posted again"] {
        assert_eq!(scene.office.post(&post(&reply)).await.0, 200, "{time}");
        assert_eq!(scene.sent().await, [""; 0], "{time}");
        let told = texts(&scene);
        assert!(
            told.len() == 2 && told[1].0 == DANA && told[1].1.starts_with(&format!("{code} is yours.")),
            "{told:?}"
        );
    }
    assert_eq!(scene.claim(&code), "claimed Dana");
}

fn post(posting: &Posting) -> Post {
    let target = posting.url.strip_prefix(PUBLIC_URL).unwrap();
    let mut post = Post::plain(target, posting.form.clone());
    post.headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    post.header("X-Twilio-Signature", &posting.signature)
}
