//! Who holds the lock that this process waits for. rattler waits for the locks of its cache, which it shares with pixi and
//! others, without a word; Linux lists who waits for whom.

use crate::domain::text::Printable;

/// The process that holds what this one waits for.
pub(super) fn holder() -> Option<Printable> {
    let list = std::fs::read_to_string("/proc/locks").ok()?;
    let pid = waited_for(&list, std::process::id())?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = Printable::short(name.trim(), 40);
    Some(if name.as_str().is_empty() {
        format!("process {pid}").into()
    } else {
        format!("process {pid} ({name})").into()
    })
}

/// The holder's line comes first, and those of the ones who wait have its number and an arrow.
fn waited_for(list: &str, own: u32) -> Option<u32> {
    let own = own.to_string();
    let mut holder: Option<(&str, u32)> = None;
    for line in list.lines() {
        let mut words = line.split_whitespace();
        let number = words.next()?;
        let rest: Vec<&str> = words.collect();
        match rest.as_slice() {
            ["->", _, _, _, pid, ..] => {
                if *pid == own
                    && let Some((_, holder)) = holder.filter(|(n, _)| *n == number)
                {
                    return Some(holder);
                }
            }
            [_, _, _, pid, ..] => holder = pid.parse().ok().map(|pid| (number, pid)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_by_the_lock_that_is_waited_for() {
        // As Linux 6 writes it.
        let list = "\
            1: FLOCK  ADVISORY  WRITE 812 00:1f:1311 0 EOF\n\
            2: POSIX  ADVISORY  READ  901 00:1f:1312 128 128\n\
            3: FLOCK  ADVISORY  WRITE 77 00:1f:1400 0 EOF\n\
            3: -> FLOCK  ADVISORY  WRITE 4711 00:1f:1400 0 EOF\n\
            3: -> FLOCK  ADVISORY  WRITE 4712 00:1f:1400 0 EOF\n\
            4: FLOCK  ADVISORY  WRITE 4711 00:1f:1401 0 EOF\n";
        assert_eq!(waited_for(list, 4711), Some(77));
        assert_eq!(waited_for(list, 4712), Some(77));
        assert_eq!(waited_for(list, 77), None);
        assert_eq!(waited_for("", 1), None);
    }
}
