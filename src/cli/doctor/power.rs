//! Whether the power supply is strong enough, as far as the kernel tells.
//!
//! A modem takes 2 A while it sends: a weak supply shows as a modem that resets and a card that is damaged. The sensor
//! knows of the last two seconds, the kernel's log of the rest. Where there is no sensor (older kernels) the firmware's bits
//! are read; where there is one, reading them would put a warning into that log. Rules: Linux,
//! `drivers/hwmon/raspberrypi-hwmon.c`; Raspberry Pi documentation, `vcgencmd get_throttled`.

use std::fs;
use std::path::Path;

use super::{Around, Report};

const AREA: &str = "power";
const CURE: &str = "a supply of the strength the Pi asks for, a short cable, the modem on a powered hub";
/// The driver of the Pi's own sensor.
const SENSOR: &str = "rpi_volt";
/// What it logs; the first letter was a capital once.
const LOGGED: &str = "ndervoltage detected";

/// Bits of `get_throttled`: now, and 16 higher since the start.
const UNDER_VOLTAGE: u32 = 1;
const SLOWED: u32 = 0b1110;
const SINCE_START: u32 = 16;

pub(in crate::cli) fn look(around: &Around<'_>, report: &mut Report) {
    match sensor(&around.roots.sys) {
        Some(true) => judge(UNDER_VOLTAGE, report),
        Some(false) if around.kernel_log.contains(LOGGED) => judge(UNDER_VOLTAGE << SINCE_START, report),
        Some(false) => judge(0, report),
        None => {
            if let Some(bits) = firmware(&around.roots.sys) {
                judge(bits, report);
            }
        }
    }
}

fn judge(bits: u32, report: &mut Report) {
    let past = bits >> SINCE_START;
    if bits & UNDER_VOLTAGE != 0 {
        report.problem(AREA, "too little voltage now", CURE);
    } else if past & UNDER_VOLTAGE != 0 {
        report.problem(AREA, "there was too little voltage since the start of this box", CURE);
    } else if (bits | past) & SLOWED != 0 {
        report.warn(AREA, "the processor was slowed down by heat since the start of this box", "a heat sink, a fan");
    } else {
        report.ok(AREA, "enough voltage since the start of this box");
    }
}

/// The firmware's own word, in hexadecimal; the device's address differs from model to model.
fn firmware(sys: &Path) -> Option<u32> {
    let mut devices = fs::read_dir(sys.join("bus/platform/devices")).ok()?.flatten();
    let text = devices.find_map(|device| fs::read_to_string(device.path().join("get_throttled")).ok())?;
    let digits = text.trim();
    u32::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()
}

/// Whether the sensor's alarm is on.
fn sensor(sys: &Path) -> Option<bool> {
    let sensors = fs::read_dir(sys.join("class/hwmon")).ok()?.flatten();
    let is_ours = |path: &Path| fs::read_to_string(path.join("name")).is_ok_and(|name| name.trim() == SENSOR);
    let ours = sensors.map(|sensor| sensor.path()).find(|path| is_ours(path))?;
    Some(fs::read_to_string(ours.join("in0_lcrit_alarm")).ok()?.trim() == "1")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FakeBox, assert_seen};
    use super::*;

    #[test]
    fn bits_and_sensor_are_decoded() {
        let firmware = "sys/bus/platform/devices/soc:firmware/get_throttled";
        let sensor = "sys/class/hwmon/hwmon2/name";
        let sensed =
            |alarm| [(sensor, "rpi_volt\n"), ("sys/class/hwmon/hwmon2/in0_lcrit_alarm", alarm), (firmware, "50005\n")];
        let (weak, well) = (sensed("1\n"), sensed("0\n"));
        let logged = "hwmon hwmon2: Undervoltage detected!\n";
        for (name, files, log, want) in [
            ("a PC", &[("sys/class/hwmon/hwmon0/name", "coretemp\n")] as &[_], "", &[] as &[&str]),
            ("well", &[(firmware, "0\n")], "", &["ok: power: enough voltage since"]),
            ("now", &[(firmware, "50005\n")], "", &["problem: power: too little voltage now"]),
            ("since the start", &[(firmware, "0x50000\n")], "", &["problem: power: there was too little"]),
            ("heat", &[(firmware, "80000\n")], "", &["warning: power: the processor was slowed"]),
            ("nonsense", &[(firmware, "what?\n")], "", &[]),
            ("sensor, now", &weak, logged, &["problem: power: too little voltage now"]),
            ("sensor, since the start", &well, logged, &["problem: power: there was too little"]),
            ("sensor, well", &well, "Kernel panic", &["ok: power: enough voltage since"]),
        ] {
            let fake = FakeBox { kernel_log: log.to_owned(), ..FakeBox::new() };
            for (path, text) in files {
                fake.write(path, text);
            }
            assert_seen(name, &fake.seen("2026-11-23T02:00:00Z", look), want);
        }
    }
}
