//! The seeds of the fuzz targets, replayed for whoever has no nightly compiler: what must hold is in `fuzz/checks`.

#[path = "../../fuzz/checks/at_lines.rs"]
mod at_lines;
#[path = "../../fuzz/checks/bodies.rs"]
mod bodies;
#[path = "../../fuzz/checks/headers.rs"]
mod headers;
#[path = "../../fuzz/checks/inbound.rs"]
mod inbound;
#[path = "../../fuzz/checks/status_report.rs"]
mod status_report;
#[path = "../../fuzz/checks/tpdu.rs"]
mod tpdu;

fn replay(corpus: &str, check: impl Fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    for seed in seeds {
        check(&std::fs::read(seed).unwrap());
    }
}

#[test]
fn nobody_is_believed_who_does_not_know_the_secret() {
    replay("headers", headers::check);
}

#[test]
fn each_body_is_leads_or_says_why_not() {
    replay("bodies", bodies::check);
}

#[test]
fn a_modem_is_heard_however_its_lines_are_cut() {
    replay("at_lines", at_lines::check);
}

#[test]
fn any_pdu_is_an_error_or_makes_sense() {
    replay("tpdu", tpdu::check);
}

#[test]
fn a_status_report_is_read_as_it_was_written() {
    replay("status_report", status_report::check);
}

#[test]
fn any_text_arrives_and_any_that_arrives_is_read() {
    replay("inbound", inbound::check);
}
