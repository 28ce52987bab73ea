//! Four kinds of modem as data: what each says it is, what it keeps and knows, and what it does when it starts.
//!
//! An old GSM module on a serial line (SIM800), a 3G stick full of chatter (Huawei), an LTE module with several ports
//! on USB (EC25), and an old modem that knows little more than the specification (in Wavecom's manner). Sources: the
//! makers' AT manuals and hardware guides, 3GPP TS 27.005 and TS 27.007, and logs of real ones.

/// A kind of modem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `SIMCom` SIM800 on a UART: the SIM's memory alone, reports straight through or not at all.
    Sim800,
    /// A Huawei stick: talks without end, refuses in words of its own.
    Huawei,
    /// Quectel EC25: what the simulator is unless told otherwise.
    Ec25,
    /// An old modem on a UART: reports into memory only, no `OK` after `+CPIN: READY`.
    Generic,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Sim800, Self::Huawei, Self::Ec25, Self::Generic];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim800 => "sim800",
            Self::Huawei => "huawei",
            Self::Ec25 => "ec25",
            Self::Generic => "generic",
        }
    }

    /// Whether its port is a chip on USB that goes away while it starts.
    #[must_use]
    pub const fn is_usb(self) -> bool {
        matches!(self.nature().bus, Bus::Usb { .. })
    }

    pub(super) const fn nature(self) -> &'static Nature {
        match self {
            Self::Sim800 => &SIM800,
            Self::Huawei => &HUAWEI,
            Self::Ec25 => &EC25,
            Self::Generic => &GENERIC,
        }
    }
}

/// How the modem is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bus {
    /// The port stays while the modem starts.
    Uart {
        /// Milliseconds during which it hears nothing.
        deaf_ms: u64,
        /// It takes its speed from the first `AT` after power-on, which it eats; what it says before is noise.
        auto_baud: bool,
    },
    /// The port vanishes while it starts, for so many milliseconds.
    Usb {
        /// How long.
        gone_ms: u64,
    },
}

/// What makes a family.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent oddities, not one state")]
pub(super) struct Nature {
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) firmware: &'static str,
    pub(super) imei: &'static str,
    /// Each memory and its places; the first is used after a restart.
    pub(super) memories: &'static [(&'static str, usize)],
    /// `AT+CPMS=?`, if it isn't made from the memories.
    pub(super) memory_offer: Option<&'static str>,
    /// `AT+CNMI=?`, with `{}` where the values of `<ds>` go.
    pub(super) indication_offer: &'static str,
    /// Values of `<mode>`, `<mt>` and `<bm>`.
    pub(super) indications: [&'static [u8]; 3],
    /// Values of `<ds>`.
    pub(super) report_modes: &'static [u8],
    /// `AT+CNMI` after a restart.
    pub(super) factory_indications: [u8; 5],
    /// Those of [`OPTIONAL`] that it knows.
    pub(super) knows: &'static [&'static str],
    /// It can call.
    pub(super) voice: bool,
    /// How it refuses what it doesn't know.
    pub(super) unknown: &'static str,
    pub(super) bus: Bus,
    /// What it says when it is up again, and how many milliseconds after that.
    pub(super) boot: &'static [(u64, &'static str)],
    /// What it says once its SIM is open.
    pub(super) ready: &'static [(u64, &'static str)],
    /// It says by itself that its SIM is locked or missing.
    pub(super) tells_sim: bool,
    /// How long a SIM that was opened is busy, in milliseconds.
    pub(super) sim_busy_ms: u64,
    /// What it says again and again, and the pause between.
    pub(super) habits: &'static [(u64, &'static str)],
    /// What it says at random if it is chatty.
    pub(super) chatter: &'static [&'static str],
    pub(super) prompt: &'static str,
    /// It ends `+CPIN: READY` with `OK`, as it should.
    pub(super) ok_after_ready: bool,
    /// Lines of information end with two carriage returns.
    pub(super) doubled_returns: bool,
    /// `AT+CCID` answers with the bare number.
    pub(super) bare_sim_number: bool,
    /// It tells access technology in `AT+COPS?`.
    pub(super) tells_technology: bool,
    /// What it says when its memory is full, with `{}` for its name.
    pub(super) full: Option<&'static str>,
}

/// Commands that not every modem knows.
pub(super) const OPTIONAL: [&str; 19] = [
    "CEREG", "CGREG", "CSMS", "CPINR", "QPINC", "SPIC", "^CPIN", "CCID", "QCCID", "^ICCID", "CGSMS", "CMMS", "IPR",
    "^CURC", "QCFG", "QURCCFG", "CLAC", "CNMA", "CHUP",
];

const SIM800: Nature = Nature {
    make: "SIMCOM_Ltd",
    model: "SIMCOM_SIM800L",
    firmware: "Revision:1418B05SIM800L24",
    imei: "866782042319455",
    memories: &[("SM", 15)],
    memory_offer: Some("(\"SM\"),(\"SM\"),(\"SM\")"),
    indication_offer: "(0-3),(0-3),(0,2),({}),(0,1)",
    indications: [&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 2]],
    report_modes: &[0, 1],
    factory_indications: [2, 1, 0, 0, 0],
    knows: &["CGREG", "CSMS", "SPIC", "CCID", "CGSMS", "CMMS", "IPR", "CNMA", "CHUP"],
    voice: true,
    unknown: "ERROR",
    bus: Bus::Uart { deaf_ms: 2500, auto_baud: true },
    boot: &[(0, "RDY"), (10, "+CFUN: 1")],
    ready: &[(20, "+CPIN: READY"), (4000, "Call Ready"), (5000, "SMS Ready")],
    tells_sim: true,
    sim_busy_ms: 4500,
    habits: &[],
    chatter: &["+CSQ: 20,0", "*PSUTTZ: 2026,11,22,18,14,59,\"+0\",0", "DST: 0", "+CIEV: 10,\"31041\"", "RING"],
    prompt: "\r\n> ",
    ok_after_ready: true,
    doubled_returns: false,
    bare_sim_number: true,
    tells_technology: false,
    full: None,
};

const HUAWEI: Nature = Nature {
    make: "huawei",
    model: "E1750",
    firmware: "11.126.15.00.74",
    imei: "353443035127890",
    memories: &[("ME", 100), ("SM", 20)],
    memory_offer: None,
    indication_offer: "(0,1,2),(0,1,2,3),(0,2,3),({}),(0,1)",
    indications: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2, 3]],
    report_modes: &[0, 1, 2],
    factory_indications: [1, 0, 0, 0, 0],
    knows: &["CGREG", "CSMS", "^CPIN", "^ICCID", "CMMS", "IPR", "^CURC", "CLAC", "CNMA"],
    voice: false,
    unknown: "COMMAND NOT SUPPORT",
    bus: Bus::Usb { gone_ms: 15_000 },
    boot: &[(1000, "^BOOT:20952548,0,0,0,72"), (1500, "^BOOT:20952548,0,0,0,72"), (1600, "^MODE:3,3")],
    ready: &[(0, "^SIMST:1"), (2000, "^SRVST:2")],
    tells_sim: false,
    sim_busy_ms: 3000,
    habits: &[
        (30_000, "^BOOT:20952548,0,0,0,72"),
        (11_000, "^RSSI:17"),
        (47_000, "^DSFLOWRPT:0000003C,00000000,00000000,0000000000000000,0000000000000000,00000000,00000000"),
    ],
    chatter: &["^RSSI:17", "^MODE:5,4", "^CSNR:-60,-2", "^HCSQ:\"WCDMA\",40,35,90", "^SRVST:2", "RING"],
    prompt: "\r\n> ",
    ok_after_ready: true,
    doubled_returns: true,
    bare_sim_number: false,
    tells_technology: true,
    full: Some("^SMMEMFULL: \"{}\""),
};

const EC25: Nature = Nature {
    make: "Quectel",
    model: "EC25",
    firmware: "EC25EFAR06A06M4G",
    imei: "861536030196001",
    memories: &[("ME", 50), ("SM", 50), ("MT", 50)],
    memory_offer: None,
    indication_offer: "(0-2),(0-3),(0,2),({}),(0,1)",
    indications: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2]],
    report_modes: &[0, 1, 2],
    factory_indications: [2, 1, 0, 0, 0],
    knows: &[
        "CEREG", "CGREG", "CSMS", "CPINR", "QPINC", "CCID", "QCCID", "CGSMS", "CMMS", "IPR", "QCFG", "QURCCFG", "CLAC",
        "CNMA", "CHUP",
    ],
    voice: true,
    unknown: "ERROR",
    bus: Bus::Usb { gone_ms: 12_000 },
    boot: &[(0, "RDY")],
    ready: &[(0, "+CPIN: READY"), (100, "+QUSIM: 1"), (2000, "+QIND: SMS DONE")],
    tells_sim: true,
    sim_busy_ms: 2000,
    habits: &[],
    chatter: &["^RSSI:17", "+CSQ: 20,99", "+QIND: \"csq\",20,99", "+CIEV: 2,4", "^HCSQ:\"LTE\",40,35,90,20", "RING"],
    prompt: "\r\n> ",
    ok_after_ready: true,
    doubled_returns: false,
    bare_sim_number: false,
    tells_technology: true,
    full: Some("+QIND: \"SMSFULL\",\"{}\""),
};

const GENERIC: Nature = Nature {
    make: " WAVECOM MODEM",
    model: " MULTIBAND  900E  1800",
    firmware: "641b09gg.Q2403A 1320676 061804 14:38",
    imei: "351190011234567",
    memories: &[("SM", 25)],
    memory_offer: Some("((\"SM\",\"BM\",\"SR\"),(\"SM\"))"),
    indication_offer: "(0,1,2),(0,1,2,3),(0,1,2,3),({}),(0,1)",
    indications: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 1, 2, 3]],
    report_modes: &[0, 2],
    factory_indications: [0, 0, 0, 0, 0],
    knows: &["IPR"],
    voice: true,
    unknown: "ERROR",
    bus: Bus::Uart { deaf_ms: 3000, auto_baud: false },
    boot: &[(0, "+WIND: 1"), (500, "+WIND: 7")],
    ready: &[(2000, "+WIND: 4")],
    tells_sim: false,
    sim_busy_ms: 2000,
    habits: &[],
    chatter: &["+WIND: 2", "+CCED: 310,410,1a2b,0d0c,20,63", "+CIEV: 2,4", "RING"],
    prompt: "> ",
    ok_after_ready: false,
    doubled_returns: false,
    bare_sim_number: false,
    tells_technology: false,
    full: Some("+CIEV: 8,1"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_hold_together() {
        for family in Family::ALL {
            let nature = family.nature();
            let name = family.name();
            assert!(nature.knows.iter().all(|known| OPTIONAL.contains(known)), "{name} knows what nobody asks");
            assert!(nature.memories.iter().any(|(memory, _)| *memory == "SM"), "{name} has a SIM");
            assert!(nature.indication_offer.contains("{}") && nature.report_modes.contains(&0), "{name}");
            let [mode, mt, bm, ds, _] = nature.factory_indications;
            assert!(nature.report_modes.contains(&ds), "{name}");
            for (values, now) in nature.indications.iter().zip([mode, mt, bm]) {
                assert!(values.contains(&now), "{name}");
            }
            assert!(nature.prompt.ends_with("> "), "{name}");
        }
    }
}
