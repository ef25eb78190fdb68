//! Downloads that are under way, for a bar: what, how much of it, and of how much.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::domain::conda_solve::Download;
use crate::domain::text::Printable;

#[derive(Debug, Default)]
struct Kept {
    next: u64,
    under_way: BTreeMap<u64, Download>,
}

#[derive(Debug, Clone, Default)]
pub struct Downloads(Arc<Mutex<Kept>>);

/// Ends when it is dropped, also by cancelling.
#[derive(Debug)]
pub struct Held {
    id: u64,
    all: Downloads,
}

impl Downloads {
    pub fn begin(&self, at: &str, of: Option<u64>) -> Held {
        self.add(Printable::short(at, 80), of, false)
    }

    /// What has to be waited for before anything is downloaded.
    pub fn wait(&self, words: Printable) -> Held {
        self.add(words, None, true)
    }

    fn add(&self, what: Printable, of: Option<u64>, waits: bool) -> Held {
        let mut id = 0;
        if let Ok(mut kept) = self.0.lock() {
            kept.next += 1;
            id = kept.next;
            let download = Download {
                what,
                got: 0,
                of,
                waits,
            };
            kept.under_way.insert(id, download);
        }
        Held {
            id,
            all: self.clone(),
        }
    }

    /// Is something below this address under way?
    pub fn has(&self, base: &str) -> bool {
        let under_way = self.under_way();
        let mut shown = under_way.iter().filter(|d| !d.waits);
        shown.any(|d| {
            let what = d.what.as_str().trim_end_matches('…');
            what.starts_with(base) || base.starts_with(what)
        })
    }

    /// Largest first.
    pub fn under_way(&self) -> Vec<Download> {
        let mut list: Vec<Download> = self
            .0
            .lock()
            .map_or_else(|_| Vec::new(), |k| k.under_way.values().cloned().collect());
        list.sort_by_key(|u| std::cmp::Reverse(u.of.unwrap_or(u.got)));
        list
    }
}

impl Held {
    pub fn got(&self, bytes: u64) {
        if let Ok(mut kept) = self.all.0.lock()
            && let Some(under) = kept.under_way.get_mut(&self.id)
        {
            under.got = bytes;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Ok(mut kept) = self.all.0.lock() {
            kept.under_way.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_there_while_it_is_held() {
        let all = Downloads::default();
        let small = all.begin("https://h/x/noarch/repodata.json", Some(10));
        let large = all.begin("https://h/x/linux-64/repodata.json", Some(900));
        small.got(4);
        let list = all.under_way();
        assert_eq!((list.len(), list[0].of, list[1].got), (2, Some(900), 4));
        drop((small, large));
        assert!(all.under_way().is_empty());
    }
}
