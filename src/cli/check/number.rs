//! Whether the number of the person on call can be one, and whether a country has numbers.
//!
//! A warning and never an error: numbering plans change faster than the tables of them that are built in, and a colleague
//! knows the own number best.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::Findings;
use crate::config::Config;
use crate::model::Phone;

/// The country of numbers that name none. Only looked at here: the tables of all plans are not for each start.
pub(super) fn country(config: &Config, found: &mut Findings) {
    let country = &config.business.country;
    let code = country.parse().ok().and_then(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region));
    if code.is_none() {
        let words =
            format!("no numbering plan is known of {country:?}: two capital letters, such as \"US\", \"GB\" or \"DE\"");
        found.error("business.country", words);
    }
}

/// The numbers that urgent leads go to.
pub(super) fn on_call(config: &Config, found: &mut Findings) {
    for person in config.oncall.iter().flat_map(|on_call| &on_call.people).filter(|person| !is_known(&person.phone)) {
        let words = format!("{} is in no numbering plan known here: if it is mistyped, texts are lost", person.phone);
        found.warn(format!("oncall: {}", person.name), words);
    }
}

fn is_known(phone: &Phone) -> bool {
    PHONE_NUMBER_UTIL.parse(phone.as_str(), None).is_ok_and(|number| number.is_valid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_without_numbers_is_an_error() {
        for (country, is_told) in [("US", false), ("GB", false), ("UK", true), ("XX", true)] {
            let config = Config::parse(&format!("[business]\ncountry = \"{country}\"")).unwrap();
            let mut found = Findings::default();
            super::country(&config, &mut found);
            assert_eq!(found.errors.len(), usize::from(is_told), "{country}: {found}");
        }
    }

    #[test]
    fn a_number_that_no_plan_has_is_a_warning() {
        for (name, phone, is_told) in [
            ("a mobile number", "+4915112345678", false),
            ("a number of the USA", "+12025550123", false),
            ("no such area", "+15551230017", true),
            ("too short for its country", "+1555123", true),
            ("no such country", "+99912345678", true),
        ] {
            let text = format!("[oncall]\nname = \"Dana\"\nphone = \"{phone}\"");
            let mut found = Findings::default();
            on_call(&Config::parse(&text).unwrap(), &mut found);
            assert_eq!((found.warnings.len(), found.errors.len()), (usize::from(is_told), 0), "{name}: {found}");
        }
        let mut found = Findings::default();
        on_call(&Config::parse("").unwrap(), &mut found);
        assert!(found.warnings.is_empty());
    }
}
