//! Which words between angle brackets are markup, and what each leaves behind, as data.
//!
//! Names from the HTML Living Standard, sections 4 and 16 (obsolete ones), SVG's root, and Office's `xml`.

/// What an element leaves where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Its content, as if the tag weren't there.
    Nothing,
    /// A line break, whatever is around it.
    Line,
    /// The start of a line, if what is before it isn't at one.
    Break,
    /// A space, if it is between words.
    Space,
    /// Not even its content.
    Void,
}

/// The line break itself.
const LINES: &str = "br";

/// Elements that start and end on a line of their own.
const BREAKS: &str = "\
    address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure \
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search \
    section summary table tbody tfoot thead tr ul";

/// Cells of a table stand beside each other.
const SPACES: &str = "td th";

/// Elements whose content is for machines.
const VOIDS: &str = "head iframe noscript object script style svg template title";

/// Every other element there is or was.
const PLAIN: &str = "\
    a abbr acronym applet area audio b base basefont bdi bdo bgsound big blink button canvas cite code col colgroup \
    data datalist del dfn em embed font frame frameset i image img input ins kbd keygen label link map mark marquee \
    math meta meter nobr noembed noframes output param picture plaintext progress q rb rp rt rtc ruby s samp select \
    slot small source span strike strong sub sup textarea time track tt u var video wbr xml xmp";

/// All of them.
const TABLES: [(&str, Leaves); 5] = [
    (LINES, Leaves::Line),
    (BREAKS, Leaves::Break),
    (SPACES, Leaves::Space),
    (VOIDS, Leaves::Void),
    (PLAIN, Leaves::Nothing),
];

/// What the element `name` (lower case) leaves; `None` when there is no such element.
pub(super) fn leaves(name: &str) -> Option<Leaves> {
    TABLES.into_iter().find_map(|(names, leaves)| names.split(' ').any(|known| known == name).then_some(leaves))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_one_table() {
        let mut every: Vec<&str> = TABLES.iter().flat_map(|(names, _)| names.split(' ')).collect();
        every.sort_unstable();
        assert!(every.windows(2).all(|pair| pair[0] != pair[1]), "{every:?}");
        assert!(every.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())));
        assert_eq!((leaves("td"), leaves("br"), leaves("TD")), (Some(Leaves::Space), Some(Leaves::Line), None));
    }
}
