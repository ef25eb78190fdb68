//! Files as wholes: read with a clear word, written so that a reader sees the old or the new, never half.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::domain::problem::{Problem, ProblemKind};

fn problem(path: &Path, doing: &str, e: &io::Error) -> Problem {
    let fix = match e.kind() {
        io::ErrorKind::PermissionDenied => "see that the folder and the file are yours to write",
        io::ErrorKind::StorageFull => "make room on the disk",
        io::ErrorKind::NotFound => "check the path",
        _ => "check the path and the disk",
    };
    Problem::new(
        ProblemKind::Local,
        format!("{doing} {}", path.display()),
        e.to_string(),
        fix,
    )
}

/// `None`: there is no such file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(problem(path, "Could not read", &e)),
    }
}

/// Next to the old file, synced, then put in its place. An existing file keeps its mode; a new one is its owner's.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Problem> {
    let write = || -> io::Result<()> {
        // A link is followed, so that it stays a link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut beside = tempfile::Builder::new()
            .prefix(".studiolink-")
            .suffix(".new")
            .tempfile_in(folder)?;
        beside.write_all(text.as_bytes())?;
        if let Ok(old) = fs::metadata(&path) {
            beside.as_file().set_permissions(old.permissions())?;
        }
        beside.as_file().sync_all()?;
        beside.persist(&path)?;
        sync_folder(folder)
    };
    write().map_err(|e| problem(path, "Could not write", &e))
}

/// Keeps others on this machine from the same file while it is held; a killed process frees it. The lock lies among the
/// temporary files, so that nothing is left in the folder of the file. `None`: this machine knows no lock.
pub fn lock_for(path: &Path) -> Result<Option<File>, Problem> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let whole = fs::canonicalize(&whole).unwrap_or(whole);
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let name = hash
        .iter()
        .take(8)
        .fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    let place = std::env::temp_dir().join(format!("studiolink-{name:016x}.lock"));
    let Ok(file) = private().create(true).truncate(false).open(place) else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Err(Problem::new(
            ProblemKind::Local,
            format!("Another studiolink is using {}", path.display()),
            "two at once would each forget what the other does",
            "wait until it has ended, or name another file",
        )),
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

/// Makes the folder where it is missing, and sees that files can be made in it.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    tempfile::Builder::new()
        .prefix(".studiolink-")
        .tempfile_in(folder)
        .map(drop)
}

/// Could `write_whole` write there? Asked before anything else is changed.
pub fn check_writable(path: &Path) -> Result<(), Problem> {
    let probe = || -> io::Result<()> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.is_dir() {
            return Err(io::Error::other("it is a folder"));
        }
        let mut folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        // What is not there is made on the way; then the folder above it counts.
        while !folder.exists() {
            folder = folder
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
        }
        tempfile::Builder::new()
            .prefix(".studiolink-")
            .tempfile_in(folder)
            .map(drop)
    };
    probe().map_err(|e| problem(path, "Could not write", &e))
}

pub fn remove(path: &Path) -> Result<(), Problem> {
    fs::remove_file(path).map_err(|e| problem(path, "Could not remove", &e))
}

/// For its owner alone.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A name in a folder is on the disk only when the folder is.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
