//! The folder of indexes that were read. It is rattler's own, so that pixi and other tools share it; every use is
//! revalidated with the server by rattler. Safe to delete. Being shared, only what nobody has renewed for long goes.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Beyond this, old indexes go, the oldest first.
const MOST: u64 = 2_000_000_000;

/// What any tool has written within this time is left alone.
const IN_USE: Duration = Duration::from_hours(30 * 24);

/// Where rattler and pixi keep theirs.
pub fn folder() -> PathBuf {
    let cache = rattler_cache::default_cache_dir().unwrap_or_else(|_| std::env::temp_dir());
    cache.join(rattler_cache::REPODATA_CACHE_DIR)
}

/// Which files go so that the rest is small enough: the least recently written first, none that is fresh.
fn surplus(mut files: Vec<(PathBuf, u64, SystemTime)>, now: SystemTime, most: u64) -> Vec<PathBuf> {
    let mut total: u64 = files.iter().map(|f| f.1).sum();
    files.sort_by_key(|f| f.2);
    let mut gone = Vec::new();
    for (path, size, written) in files {
        if total <= most {
            break;
        }
        if now.duration_since(written).is_ok_and(|age| age > IN_USE) {
            total -= size;
            gone.push(path);
        }
    }
    gone
}

/// Keeps the folder bounded. What can't be looked at or taken away stays: it is a cache.
pub(super) fn keep_bounded(folder: &Path) {
    // Whole indexes lie in the folder, parts of sharded ones in a folder below it.
    let entries = [folder.to_owned(), folder.join("shards-v1")]
        .into_iter()
        .filter_map(|f| std::fs::read_dir(f).ok())
        .flatten()
        .flatten();
    let files = entries
        .filter_map(|e| {
            let about = e.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let path = e.path();
            // Lock files stay, and lists of shards, which rattler locks themselves: a process may be waiting on one.
            let is_lock = path
                .extension()
                .is_some_and(|x| x == "lock" || x == "shards-cache-v1");
            (!is_lock).then_some((path, about.len(), about.modified().ok()?))
        })
        .collect();
    for path in surplus(files, SystemTime::now(), MOST) {
        let _ = crate::world::local::files::remove(&path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_fresh_ones_stay() {
        let now = SystemTime::now();
        let file = |name: &str, size, minutes| {
            (
                PathBuf::from(name),
                size,
                now - Duration::from_mins(minutes),
            )
        };
        let files = vec![
            file("new", 50, 1),
            file("old", 30, 50_000),
            file("older", 30, 90_000),
        ];
        assert_eq!(
            surplus(files.clone(), now, 80),
            [PathBuf::from("older")],
            "one is enough"
        );
        assert_eq!(
            surplus(files.clone(), now, 10).len(),
            2,
            "the fresh one stays"
        );
        assert!(surplus(files, now, 200).is_empty());
    }
}
