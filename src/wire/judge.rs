//! What a status and its headers mean for the outbox, where vendors agree: pure, `now` passed in.
//!
//! Called by every room that sends a [`Call`](super::Call), after the vendor's own table had its say (`insufficient_quota`,
//! Twilio's codes, HubSpot's policies). Source: RFC 9110 clauses 10.2.3 and 15, and the error table of the design.

use std::time::{Duration, SystemTime};

use crate::model::{Fault, Timestamp};

use super::Answer;

/// The longest pause a vendor is known to ask for is a day (HubSpot's 477); more is a mistake or a year in a wrong unit.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The class of an answer by its status alone; `None` for 2xx. `wait` is the pause after a 429 that names none.
///
/// A redirect is permanent: the configured address is wrong, and following it could do the effect twice. A server that is
/// in trouble and says until when is left alone until then, if what was asked may be asked again.
#[must_use]
pub fn status_fault(answer: &Answer, repeatable: bool, now: Timestamp, wait: Duration) -> Option<Fault> {
    Some(match answer.status {
        200..300 => return None,
        401 | 403 => Fault::Auth,
        429 => Fault::Throttled { until: now.after(retry_after(answer, now).unwrap_or(wait)) },
        500.. if repeatable => match retry_after(answer, now) {
            Some(pause) => Fault::Throttled { until: now.after(pause) },
            None => Fault::Transient,
        },
        408 | 423 if repeatable => Fault::Transient,
        408 | 423 | 500.. => Fault::Unknown,
        _ => Fault::Permanent,
    })
}

/// How long the peer asks us to wait: `retry-after-ms`, else `Retry-After` as seconds (fractions allowed) or as a date.
///
/// A date is measured against the answer's own `Date`, if it has one: our clock may not have been set yet.
#[must_use]
pub fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let seconds = |text: &str, unit: f64| text.trim().parse::<f64>().ok().filter(|n| !n.is_nan()).map(|n| n * unit);
    let asked = answer.header("retry-after-ms").and_then(|text| seconds(text, 0.001));
    let asked = asked.or_else(|| answer.header("retry-after").and_then(|text| seconds(text, 1.0)));
    if let Some(asked) = asked {
        let asked = asked.clamp(0.0, LONGEST_WAIT.as_secs_f64());
        return Duration::try_from_secs_f64(asked).ok();
    }
    let until = date(answer, "retry-after")?;
    Some(until.since(answered_at(answer).unwrap_or(now)).min(LONGEST_WAIT))
}

/// When the peer made this answer, by its own clock.
#[must_use]
pub fn answered_at(answer: &Answer) -> Option<Timestamp> {
    date(answer, "date")
}

fn date(answer: &Answer, name: &str) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(answer.header(name)?.trim()).ok()?;
    let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(0).after(since_epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: String::new(), truncated: false, latency: Duration::ZERO }
    }

    #[test]
    fn how_long_to_wait() {
        let now: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        for (name, headers, want_ms) in [
            ("seconds", vec![("retry-after", "7")], Some(7_000)),
            ("fraction", vec![("retry-after", " 0.25 ")], Some(250)),
            ("milliseconds win", vec![("retry-after", "9"), ("retry-after-ms", "120")], Some(120)),
            ("negative", vec![("retry-after", "-3")], Some(0)),
            ("date", vec![("retry-after", "Mon, 23 Nov 2026 02:00:30 GMT")], Some(30_000)),
            ("date in the past", vec![("retry-after", "Mon, 23 Nov 2026 01:00:00 GMT")], Some(0)),
            (
                "date of a peer whose clock is not ours",
                vec![("retry-after", "Sat, 01 Jan 2028 00:00:10 GMT"), ("date", "Sat, 01 Jan 2028 00:00:00 GMT")],
                Some(10_000),
            ),
            ("a year is a day", vec![("retry-after", "31536000")], Some(86_400_000)),
            ("infinite", vec![("retry-after", "inf")], Some(86_400_000)),
            ("no number", vec![("retry-after", "NaN")], None),
            ("words", vec![("retry-after", "soon")], None),
            ("none", vec![], None),
        ] {
            let got = retry_after(&answer(429, &headers), now);
            assert_eq!(got, want_ms.map(Duration::from_millis), "{name}");
        }
    }

    #[test]
    fn statuses_by_class() {
        let now = Timestamp::from_millis(1_000);
        let wait = Duration::from_secs(20);
        for (status, repeatable, want) in [
            (200, false, None),
            (204, true, None),
            (301, true, Some(Fault::Permanent)),
            (307, false, Some(Fault::Permanent)),
            (400, true, Some(Fault::Permanent)),
            (401, true, Some(Fault::Auth)),
            (403, false, Some(Fault::Auth)),
            (404, true, Some(Fault::Permanent)),
            (408, true, Some(Fault::Transient)),
            (408, false, Some(Fault::Unknown)),
            (423, true, Some(Fault::Transient)),
            (429, false, Some(Fault::Throttled { until: Timestamp::from_millis(21_000) })),
            (500, true, Some(Fault::Transient)),
            (503, false, Some(Fault::Unknown)),
            (599, true, Some(Fault::Transient)),
        ] {
            assert_eq!(status_fault(&answer(status, &[]), repeatable, now, wait), want, "{status} {repeatable}");
        }
    }

    #[test]
    fn a_server_in_trouble_says_until_when() {
        let now = Timestamp::from_millis(1_000);
        let until = |ms| Some(Fault::Throttled { until: Timestamp::from_millis(ms) });
        for (status, asked, repeatable, want) in [
            (503, "7", true, until(8_000)),
            (500, "0.5", true, until(1_500)),
            (502, "0", true, until(1_000)),
            (504, "Thu, 01 Jan 1970 00:00:31 GMT", true, until(31_000)),
            (503, "soon", true, Some(Fault::Transient)),
            (503, "7", false, Some(Fault::Unknown)),
            (408, "7", true, Some(Fault::Transient)),
        ] {
            let answer = answer(status, &[("retry-after", asked)]);
            assert_eq!(status_fault(&answer, repeatable, now, Duration::ZERO), want, "{status} {asked} {repeatable}");
        }
    }
}
