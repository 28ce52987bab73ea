//! The seeds of the fuzz targets, replayed for whoever has no nightly compiler: what must hold is in `fuzz/checks`.

#[path = "../../fuzz/checks/bodies.rs"]
mod bodies;
#[path = "../../fuzz/checks/headers.rs"]
mod headers;

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
