//! Storage profiles of Deadline Cloud: where hosts of one kind see the studio's storage, and how a path of one host is said on another.

use serde::{Deserialize, Serialize};

use super::farm::OperatingSystem;
use super::text::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageProfile {
    pub name: Untrusted,
    pub os: OperatingSystem,
    pub locations: Vec<Location>,
}

/// A place on disk; the same place has the same name in every profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub name: Untrusted,
    pub path: Untrusted,
}

impl StorageProfile {
    /// The location that a path lies in, of several the innermost, and the rest of the path.
    pub fn location_of(&self, path: &str) -> Option<(&Location, Vec<String>)> {
        let whole = parts(path, &self.os);
        let in_location = |location: &'_ Location| {
            let own = parts(location.path.raw(), &self.os);
            let is_in = whole.len() >= own.len() && same(&whole[..own.len()], &own, &self.os);
            (is_in && !own.is_empty()).then(|| whole[own.len()..].to_vec())
        };
        let all = self.locations.iter();
        let within = all.filter_map(|l| Some((l, in_location(l)?)));
        within.min_by_key(|(_, rest)| rest.len())
    }

    /// Where hosts of this profile see what lies there in the location of that name.
    pub fn path_to(&self, name: &str, rest: &[String]) -> Option<String> {
        let own = self.locations.iter().find(|l| l.name.raw() == name)?;
        let separator = match self.os {
            OperatingSystem::Windows => "\\",
            _ => "/",
        };
        let base = own.path.raw().trim_end_matches(['/', '\\']);
        let rest = rest.iter().map(|part| format!("{separator}{part}"));
        Some(format!("{base}{}", rest.collect::<String>()))
    }
}

/// Do two paths of one system lead to the same place?
pub fn is_same_path(one: &str, other: &str, os: &OperatingSystem) -> bool {
    same(&parts(one, os), &parts(other, os), os)
}

/// A path by its parts; a path that is not absolute has its first part like any other. Windows takes both slashes.
fn parts(path: &str, os: &OperatingSystem) -> Vec<String> {
    let is_windows = *os == OperatingSystem::Windows;
    let is_slash = |c: char| c == '/' || (is_windows && c == '\\');
    let all = path.trim().split(is_slash);
    let all = all.filter(|part| !part.is_empty() && *part != ".");
    all.map(str::to_owned).collect()
}

/// Windows does not tell upper case from lower case in a path.
fn same(one: &[String], other: &[String], os: &OperatingSystem) -> bool {
    let is_same = |(a, b): (&String, &String)| {
        a == b || (*os == OperatingSystem::Windows && a.to_lowercase() == b.to_lowercase())
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(os: OperatingSystem, locations: &[(&str, &str)]) -> StorageProfile {
        let location = |(name, path): &(&str, &str)| Location {
            name: Untrusted::new(*name),
            path: Untrusted::new(*path),
        };
        StorageProfile {
            name: Untrusted::new("hosts"),
            os,
            locations: locations.iter().map(location).collect(),
        }
    }

    #[test]
    fn a_path_is_found_in_the_innermost_location_and_said_for_other_hosts() {
        let artists = profile(
            OperatingSystem::Windows,
            &[
                ("projects", "P:\\projects"),
                ("all", "P:\\"),
                ("renders", "\\\\nas\\renders"),
            ],
        );
        let workers = profile(
            OperatingSystem::Linux,
            &[("projects", "/mnt/projects/"), ("all", "/mnt")],
        );
        for (path, name, there) in [
            ("P:/projects", "projects", Some("/mnt/projects")),
            ("p:\\Projects\\show", "projects", Some("/mnt/projects/show")),
            ("P:/projects2", "all", Some("/mnt/projects2")),
            ("//NAS/renders/show/", "renders", None),
        ] {
            let (location, rest) = artists.location_of(path).unwrap();
            assert_eq!(location.name.raw(), name, "{path}");
            assert_eq!(workers.path_to(name, &rest).as_deref(), there, "{path}");
        }
        assert_eq!(artists.location_of("Q:/projects"), None);
        assert_eq!(workers.location_of("/mount/projects"), None);
        // On Linux a backslash and upper case are letters like any other.
        assert!(!is_same_path(
            "/mnt/Projects",
            "/mnt/projects",
            &OperatingSystem::Linux
        ));
        assert!(is_same_path(
            "/mnt/projects/",
            "/mnt//projects",
            &OperatingSystem::Linux
        ));
        assert!(is_same_path(
            "P:\\Projects",
            "p:/projects/",
            &OperatingSystem::Windows
        ));
    }

    #[test]
    fn a_location_without_a_path_holds_nothing() {
        let empty = profile(OperatingSystem::Linux, &[("none", ""), ("root", "/")]);
        assert_eq!(empty.location_of("/mnt/projects"), None);
    }
}
