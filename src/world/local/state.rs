//! The state folder: one journal per run, one lock per queue.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use jiff::Timestamp;

use super::files;
use crate::domain::problem::{Problem, ProblemKind};

fn problem(doing: &str, e: &io::Error) -> Problem {
    Problem::new(
        ProblemKind::Local,
        doing,
        e.to_string(),
        "see that the state folder (XDG_STATE_HOME, or ~/.local/state) can be written and has room",
    )
}

fn folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Letters that may stand in a file's name; an id from outside may hold anything.
fn file_name(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// The lock belongs to the open file, so a killed process frees it; what the file says is only for people.
pub(super) fn lock(
    path: &Path,
    name: &str,
    here: &str,
    now: Timestamp,
) -> Result<Box<dyn Send + Sync>, Problem> {
    let doing = "Could not take the queue's lock";
    folder(path).map_err(|e| problem(doing, &e))?;
    let path = path.join(file_name(name) + ".lock");
    let mut options = files::private();
    let mut file = options
        .read(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|e| problem(doing, &e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() {
                "another process".to_owned()
            } else {
                holder.trim().to_owned()
            };
            return Err(Problem::new(
                ProblemKind::Local,
                "Another studiolink is changing this queue",
                format!("{holder} holds it"),
                "wait until it has ended, then run this again",
            ));
        }
        Err(TryLockError::Error(e)) => return Err(problem(doing, &e)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{here}, since {}", now.strftime("%Y-%m-%d %H:%M:%SZ")));
    written.map_err(|e| problem(doing, &e))?;
    Ok(Box::new(file))
}

/// One line, on the disk when this returns. What a kill cut short is taken away first: nobody acted on it.
pub(super) fn append(path: &Path, run: &str, line: &str, first: bool) -> Result<(), Problem> {
    let write = || -> io::Result<()> {
        folder(path)?;
        let file_path = path.join(file_name(run) + ".jsonl");
        let mut file: File = if first {
            files::private().create_new(true).open(&file_path)?
        } else {
            let mut file = OpenOptions::new().write(true).read(true).open(&file_path)?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let whole = text
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1);
            file.set_len(whole as u64)?;
            file.seek(io::SeekFrom::End(0))?;
            file
        };
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()?;
        if first {
            files::sync_folder(path)
        } else {
            Ok(())
        }
    };
    write().map_err(|e| {
        problem(
            "Could not write the journal; nothing was changed after it",
            &e,
        )
    })
}

pub(super) fn discard(path: &Path, run: &str) -> Result<(), Problem> {
    fs::remove_file(path.join(file_name(run) + ".jsonl"))
        .and_then(|()| files::sync_folder(path))
        .map_err(|e| {
            problem(
                "Could not take the journal of a run away that changed nothing",
                &e,
            )
        })
}

pub(super) fn runs(path: &Path) -> Result<Vec<String>, Problem> {
    let rows = match fs::read_dir(path) {
        Ok(rows) => rows,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(problem("Could not list the runs", &e)),
    };
    let mut found: Vec<(std::time::SystemTime, String)> = rows
        .filter_map(|row| {
            let row = row.ok()?;
            let name = row.file_name().into_string().ok()?;
            let made = row
                .metadata()
                .ok()
                .and_then(|m| m.created().or_else(|_| m.modified()).ok())
                .unwrap_or(std::time::UNIX_EPOCH);
            Some((made, name.strip_suffix(".jsonl")?.to_owned()))
        })
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}

pub(super) fn journal(path: &Path, run: &str) -> Result<String, Problem> {
    let text = fs::read(path.join(file_name(run) + ".jsonl"));
    match text {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Problem::new(
            ProblemKind::Missing,
            format!(
                "There is no run {}",
                crate::domain::text::Printable::short(run, 60)
            ),
            "no journal of that name is kept on this machine",
            "`studiolink runs` lists them",
        )),
        Err(e) => Err(problem("Could not read the journal", &e)),
    }
}
