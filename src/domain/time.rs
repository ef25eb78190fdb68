//! Times as people read them: of the clock on their wall, with its offset. Documents hold them in UTC.

use std::sync::OnceLock;

/// So many seconds two clocks may be apart: an answer's date has no parts of a second, and takes its time to arrive. AWS refuses
/// what is signed 300 s off.
pub const CLOCKS_AGREE: u64 = 60;

use jiff::Timestamp;
use jiff::tz::TimeZone;

static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// The clock of this machine; until it is set, times are shown in UTC.
pub fn set_zone(zone: TimeZone) {
    let _ = ZONE.set(zone);
}

fn shown(at: Timestamp, utc: &str, local: &str) -> String {
    let zone = ZONE.get().cloned().unwrap_or(TimeZone::UTC);
    let zoned = at.to_zoned(zone);
    if zoned.offset().is_zero() {
        at.strftime(utc).to_string()
    } else {
        zoned.strftime(local).to_string()
    }
}

/// `09:14:02+02:00`, or `07:14:02Z` where the clock is UTC's.
pub fn clock(at: Timestamp) -> String {
    shown(at, "%H:%M:%SZ", "%H:%M:%S%:z")
}

/// With the day.
pub fn day_and_clock(at: Timestamp) -> String {
    shown(at, "%Y-%m-%d %H:%M:%SZ", "%Y-%m-%d %H:%M:%S%:z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_zone_it_is_utc() {
        let at: Timestamp = "2026-11-27T07:14:02Z".parse().unwrap();
        assert_eq!(clock(at), "07:14:02Z");
        assert_eq!(day_and_clock(at), "2026-11-27 07:14:02Z");
    }
}
