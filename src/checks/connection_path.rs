//! The connection path that the studio file names is one that this version sets up and tests.

use url::Url;

use super::prelude::*;
use crate::domain::config::PathId;
use crate::questions::Part;

pub(super) const CHECK: Check = Check {
    id: "connection-path",
    title: "The connection path is built into this version",
    why: "a path that is not built is neither set up nor tested",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Server(check),
};

fn check(view: &View, _: &Url) -> Vec<Finding> {
    let path = view.config(Part::Server).server.path;
    if path.is_built() {
        return Vec::new();
    }
    let line = format!(
        "The connection path \"{}\" is not built into this version",
        path.word()
    );
    let why = if path == PathId::Ssm && view.config(Part::Tunnel).tunnel.is_some() {
        "the queue role's permissions are set, and setup starts and ends a session as that role; \
            nothing opens the tunnel on a worker, and the server was not tested"
    } else {
        "nothing was set up for it, and nothing was tested"
    };
    let finding = Finding::skipped("not-built", line)
        .why(why)
        .fix("set it up by hand, or choose path = \"direct\" where the server has a public name");
    vec![finding]
}
