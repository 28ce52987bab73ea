//! `debian/nightdesk.udev` against devices as udev sees them: which port gets our name, and what `ModemManager` keeps off.
//!
//! Debian 12 has no `udevadm verify`, and `udevadm test` needs the device; so the few parts of udev(7) that our file
//! uses are read here.

use std::collections::BTreeMap;

use super::shipped;

/// What the rules set for a device, by their names: a small part of udev(7), just enough for our file.
fn udev(device: &BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    let text = shipped("debian/nightdesk.udev");
    let (mut set, mut skip_to) = (BTreeMap::new(), None::<String>);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<(&str, &str, &str)> = line.split(", ").map(part).collect();
        if let Some(label) = &skip_to {
            if parts.contains(&("LABEL", "=", label.as_str())) {
                skip_to = None;
            }
            continue;
        }
        let holds = |(key, sign, want): &(&str, &str, &str)| {
            let is = device.get(key).is_some_and(|is| want.split('|').any(|want| want == *is));
            if *sign == "==" { is } else { *sign != "!=" || !is }
        };
        if parts.iter().all(holds) {
            for (key, _, value) in parts.iter().filter(|(_, sign, _)| matches!(*sign, "=" | "+=")) {
                set.insert((*key).to_owned(), (*value).to_owned());
            }
            skip_to = set.remove("GOTO");
        }
    }
    assert_eq!(skip_to, None, "a GOTO without its LABEL");
    set.remove("LABEL");
    set
}

/// `KEY=="value"` in its parts.
fn part(text: &str) -> (&str, &str, &str) {
    let at = text.find(['=', '!', '+']).unwrap_or_else(|| panic!("no operator in {text}"));
    let value = text.find('"').unwrap_or_else(|| panic!("no value in {text}"));
    let (key, sign) = (&text[..at], &text[at..value]);
    let known = ["ACTION", "SUBSYSTEM", "SUBSYSTEMS", "GOTO", "LABEL", "GROUP", "MODE", "SYMLINK", "OPTIONS"];
    let is_known = known.contains(&key) || ["ATTR{", "ATTRS{", "ENV{"].iter().any(|start| key.starts_with(start));
    assert!(is_known && ["==", "!=", "=", "+="].contains(&sign), "{text}");
    (key, sign, text[value..].strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap())
}

#[test]
fn udev_names_the_port_that_takes_commands_and_keeps_modem_manager_away() {
    // (name, vendor, product, interface, whether it gets our name, whether ModemManager is kept away)
    for (name, vendor, product, interface, named, kept) in [
        ("Quectel EC25, commands", "2c7c", "0125", "02", true, true),
        ("Quectel EC25, positions", "2c7c", "0125", "01", false, true),
        ("SIM7600, commands", "1e0e", "9001", "02", true, true),
        ("SIM7600 or A7670: which port is not known", "1e0e", "9011", "02", false, true),
        ("SIM800 behind a CH340", "1a86", "7523", "00", true, false),
        ("SIM800 behind a CP2102", "10c4", "ea60", "00", true, false),
        ("an FTDI converter", "0403", "6001", "00", true, false),
        ("something else", "046d", "c31c", "00", false, false),
    ] {
        let usb = |keys: &[(&'static str, &'static str)]| keys.iter().copied().collect::<BTreeMap<_, _>>();
        let mut port = usb(&[("ACTION", "add"), ("SUBSYSTEM", "tty"), ("SUBSYSTEMS", "usb")]);
        port.extend([
            ("ATTRS{idVendor}", vendor),
            ("ATTRS{idProduct}", product),
            ("ENV{ID_USB_INTERFACE_NUM}", interface),
        ]);
        let set = udev(&port);
        assert_eq!(set.get("SYMLINK").map(String::as_str), named.then_some("nightdesk-modem"), "{name}");
        assert_eq!(set.contains_key("ENV{ID_MM_PORT_IGNORE}"), kept, "{name}");
        let mut device = usb(&[("ACTION", "add"), ("SUBSYSTEM", "usb"), ("ENV{DEVTYPE}", "usb_device")]);
        device.extend([("ATTR{idVendor}", vendor), ("ATTR{idProduct}", product)]);
        assert_eq!(udev(&device).contains_key("ENV{ID_MM_DEVICE_IGNORE}"), kept, "{name}");
        port.insert("ACTION", "remove");
        assert!(udev(&port).is_empty(), "{name}, unplugged");
    }
}
