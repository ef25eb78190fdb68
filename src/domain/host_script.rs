//! Our lines in a fleet's host configuration script: they write the server's name, with the address that VPC Lattice gives,
//! into a worker's hosts file, so that the name on the certificate is right. They stand at the top, because a script may
//! end early, and never make a worker fail.

use super::farm::OperatingSystem;

/// The service's limit on a script, in characters (field facts C).
pub const SCRIPT_LIMIT: usize = 15_000;
const BEGIN: &str = "# >>> studiolink: the address of the AYON server";
const END: &str = "# <<< studiolink";
const LINUX: &str = include_str!("../../assets/host-scripts/hosts.sh");
const WINDOWS: &str = include_str!("../../assets/host-scripts/hosts.ps1");

/// Why a script is not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEditable {
    #[error("the script would have {0} characters; the service takes 15,000")]
    TooLong(usize),
    #[error("the script begins with `{0}`, which has to stay its first statement")]
    FirstStatement(&'static str),
    #[error("it is run by `{0}`, and these lines need sh, bash, dash, ksh or zsh")]
    OtherLanguage(String),
    #[error("its line `# >>> studiolink` has no end")]
    Unclosed,
}

/// The lines for an operating system: `name` is resolved, and `host` gets its address. `None`: nothing is known for it.
pub fn block(os: &OperatingSystem, name: &str, host: &str) -> Option<String> {
    let template = match os {
        OperatingSystem::Linux => LINUX,
        OperatingSystem::Windows => WINDOWS,
        OperatingSystem::Macos | OperatingSystem::Unknown(_) => return None,
    };
    let lines = template.replace("__NAME__", name).replace("__HOST__", host);
    Some(format!("{BEGIN}\n{}\n{END}\n", lines.trim_end()))
}

fn place(script: &str) -> Result<Option<std::ops::Range<usize>>, NotEditable> {
    let Some(from) = script.find(BEGIN) else {
        return Ok(None);
    };
    let end = script[from..].find(END).ok_or(NotEditable::Unclosed)?;
    let end = from + end + END.len();
    // A script of Windows may have its own line ends.
    let rest = &script[end..];
    let line_end = rest.len()
        - rest
            .strip_prefix("\r\n")
            .or(rest.strip_prefix('\n'))
            .unwrap_or(rest)
            .len();
    Ok(Some(from..end + line_end))
}

/// Our lines in a script; `None`: it has none.
pub fn own(script: &str) -> Option<String> {
    let range = place(script).ok()??;
    let mut lines = script[range].replace("\r\n", "\n");
    if lines.starts_with(OWN_FIRST) {
        lines = lines.replacen(OWN_FIRST, BEGIN, 1);
    }
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    Some(lines)
}

/// What the studio's own part of the script says.
fn others(script: &str) -> String {
    match place(script) {
        Ok(Some(range)) => [&script[..range.start], &script[range.end..]].concat(),
        _ => script.to_owned(),
    }
}

/// Does a statement of the studio's own part name this host? A comment is none.
pub fn names(script: &str, host: &str, os: &OperatingSystem) -> bool {
    let mut own = others(script);
    if *os == OperatingSystem::Windows {
        own = without_block_comments(&own);
    }
    // An address, or what may hold one, stands on the same line: a variable or a proxy's exception gives a name none.
    let gives = |l: &str| {
        let first = l.split(char::is_whitespace).next().unwrap_or_default();
        let assigns = matches!(
            first,
            "export" | "declare" | "local" | "readonly" | "set" | "setx"
        ) || l.split_once('=').is_some_and(|(name, _)| {
            let of_name = |c: char| c.is_ascii_alphanumeric() || "_:$".contains(c);
            !name.is_empty() && name.trim_end().chars().all(of_name)
        });
        let mut words = l.split(|c: char| !(c.is_ascii_alphanumeric() || ".:".contains(c)));
        let has_address = words.any(|w| w.parse::<std::net::IpAddr>().is_ok());
        let about_hosts = l.to_ascii_lowercase().contains("hosts");
        l.contains(host) && (about_hosts || (!assigns && (has_address || l.contains('$'))))
    };
    let mut lines = own.lines().map(str::trim_start);
    lines.any(|l| !l.starts_with('#') && gives(l))
}

/// The script with our lines, or without any. Every other byte of it stays. An empty script is none.
pub fn with(
    script: Option<&str>,
    block: Option<&str>,
    os: &OperatingSystem,
) -> Result<String, NotEditable> {
    let script = script.unwrap_or_default();
    place(script)?;
    let rest = others(script);
    // What was written for our lines alone goes with them.
    let rest = if script.starts_with(&format!("{SHEBANG}{OWN_FIRST}")) {
        rest.strip_prefix(SHEBANG).unwrap_or(&rest).to_owned()
    } else {
        rest
    };
    let Some(block) = block else {
        return Ok(rest);
    };
    let made = if *os == OperatingSystem::Windows {
        for word in ["param", "using", "[cmdletbinding", "#requires"] {
            let code = without_block_comments(&rest);
            let first = code.lines().map(str::trim).find(|l| {
                !l.is_empty()
                    && (!l.starts_with('#') || l.to_ascii_lowercase().starts_with("#requires"))
            });
            if first.is_some_and(|l| l.to_ascii_lowercase().starts_with(word)) {
                return Err(NotEditable::FirstStatement(word));
            }
        }
        format!("{block}{rest}")
    } else if rest.starts_with("#!") {
        let at = rest.find('\n').map_or(rest.len(), |n| n + 1);
        let line = rest[..at].trim();
        if !is_shell(line) {
            return Err(NotEditable::OtherLanguage(line.to_owned()));
        }
        let (first, after) = rest.split_at(at);
        let end = if first.ends_with('\n') { "" } else { "\n" };
        format!("{first}{end}{block}{after}")
    } else {
        let block = block.strip_prefix(BEGIN).unwrap_or(block);
        format!("{SHEBANG}{OWN_FIRST}{block}{rest}")
    };
    let length = made.chars().count();
    if length > SCRIPT_LIMIT {
        return Err(NotEditable::TooLong(length));
    }
    Ok(made)
}

/// `#!/bin/bash -e`, `#!/usr/bin/env bash` and their like.
fn is_shell(line: &str) -> bool {
    let mut words = line.trim_start_matches("#!").split_whitespace();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut program = words.next().map(name).unwrap_or_default();
    if program == "env" {
        program = words
            .find(|w| !w.starts_with('-'))
            .map(name)
            .unwrap_or_default();
    }
    ["sh", "bash", "dash", "ksh", "zsh"].contains(&program.as_str())
}

/// PowerShell's help stands in `<# … #>` before its first statement.
fn without_block_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<#") {
        out.push_str(before);
        rest = after.split_once("#>").map_or("", |(_, r)| r);
    }
    out + rest
}

/// A script of Linux has to say what runs it.
const SHEBANG: &str = "#!/bin/bash\n";
/// The first of our lines where the line above it is ours too.
const OWN_FIRST: &str = "# >>> studiolink: the address of the AYON server (and the line above)";

#[cfg(test)]
mod tests {
    use super::*;

    const OS: OperatingSystem = OperatingSystem::Linux;

    fn lines() -> String {
        block(&OS, "rcfg-1.example", "ayon.studio.example").unwrap()
    }

    #[test]
    fn a_comment_gives_no_worker_an_address() {
        let host = "ayon.studio.example";
        let windows = OperatingSystem::Windows;
        for (script, os, is_named) in [
            ("echo 10.0.0.9 ayon.studio.example >> /etc/hosts", &OS, true),
            ("set -e\n  # ayon.studio.example is ours\n", &OS, false),
            ("<#\n ayon.studio.example\n#>\nexit 0", &windows, false),
            (
                "Add-Content $h '10.0.0.9 ayon.studio.example'",
                &windows,
                true,
            ),
            ("export NO_PROXY=ayon.studio.example,10.0.0.0/8", &OS, false),
            ("AYON=https://ayon.studio.example", &OS, false),
            ("curl -sf https://ayon.studio.example/api/info", &OS, false),
            (
                "printf '%s ayon.studio.example\\n' \"$ip\" >> /etc/hosts",
                &OS,
                true,
            ),
            (&lines(), &OS, false),
        ] {
            assert_eq!(names(script, host, os), is_named, "{script}");
        }
    }

    #[test]
    fn they_stand_at_the_top_and_every_other_byte_stays() {
        let own_script = "#!/usr/bin/env bash\nset -e\nexit 0\n# no end of line";
        let made = with(Some(own_script), Some(&lines()), &OS).unwrap();
        assert!(
            made.starts_with("#!/usr/bin/env bash\n# >>> studiolink"),
            "{made}"
        );
        assert_eq!(own(&made), Some(lines()));
        assert_eq!(with(Some(&made), None, &OS).unwrap(), own_script);
        let again = with(Some(&made), Some(&lines()), &OS).unwrap();
        assert_eq!(again, made, "once");
        // A script without a first line that says what runs it gets one, and loses it again; one that is no more than that stays.
        for theirs in [
            "echo studio\n",
            "#!/bin/bash\n",
            "#!/bin/bash\necho studio",
            "\n",
        ] {
            let made = with(Some(theirs), Some(&lines()), &OS).unwrap();
            assert!(made.starts_with("#!/"), "{made}");
            assert_eq!(own(&made), Some(lines()), "{theirs:?}");
            assert_eq!(with(Some(&made), None, &OS).unwrap(), theirs, "{made:?}");
            let again = with(Some(&made), Some(&lines()), &OS).unwrap();
            assert_eq!(again, made, "once");
        }
        let fresh = with(None, Some(&lines()), &OS).unwrap();
        assert!(fresh.starts_with("#!/bin/bash\n"));
        assert_eq!(with(Some(&fresh), None, &OS).unwrap(), "");
    }

    #[test]
    fn only_a_shell_gets_lines_of_a_shell() {
        for good in [
            "#!/bin/sh",
            "#!/usr/bin/env -S bash -e",
            "#!/bin/bash -x",
            "#! /bin/dash",
        ] {
            assert!(
                with(Some(&format!("{good}\necho\n")), Some(&lines()), &OS).is_ok(),
                "{good}"
            );
        }
        for other in [
            "#!/usr/bin/env python3",
            "#!/usr/bin/perl -w",
            "#!/opt/fish",
        ] {
            let refused = with(Some(&format!("{other}\nx\n")), Some(&lines()), &OS);
            assert_eq!(refused, Err(NotEditable::OtherLanguage(other.to_owned())));
        }
        let windows = OperatingSystem::Windows;
        let lines = block(&windows, "a", "b").unwrap();
        let helped = "<#\n.SYNOPSIS\nwrite-output\n#>\nparam($x)\n";
        let refused = with(Some(helped), Some(&lines), &windows);
        assert_eq!(refused, Err(NotEditable::FirstStatement("param")));
    }

    #[test]
    fn what_can_not_be_edited_says_why() {
        let long = format!("#!/bin/bash\n{}", "x".repeat(14_978));
        assert_eq!(long.len(), 14_990);
        assert!(matches!(
            with(Some(&long), Some(&lines()), &OS),
            Err(NotEditable::TooLong(_))
        ));
        let windows = OperatingSystem::Windows;
        let lines = block(&windows, "a", "b").unwrap();
        let first = with(
            Some("# what it takes\nparam($x)\r\n"),
            Some(&lines),
            &windows,
        );
        assert_eq!(first, Err(NotEditable::FirstStatement("param")));
        let made = with(Some("Write-Output 1\r\n"), Some(&lines), &windows).unwrap();
        assert!(made.ends_with("Write-Output 1\r\n") && made.starts_with("# >>>"));
        assert_eq!(
            with(
                Some("# >>> studiolink: the address of the AYON server\n"),
                None,
                &OS
            ),
            Err(NotEditable::Unclosed)
        );
    }
}
