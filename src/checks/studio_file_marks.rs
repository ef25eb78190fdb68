//! Each `[[ignore]]` and `[[confirmed]]` of the studio file fits a finding, and has not expired. What fits is known when all the
//! others have spoken, so `src/domain/mark.rs` says it then.

use super::prelude::*;
use crate::domain::mark::CHECK_ID;

pub(super) const CHECK: Check = Check {
    id: CHECK_ID,
    title: "Each [[ignore]] and [[confirmed]] of the studio file fits a finding, and holds still",
    why: "one that fits nothing would hide the next finding that it fits, and one that has expired hides nothing any more",
    topic: Topic::Identity,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Account(check),
};

fn check(_: &View) -> Vec<Finding> {
    Vec::new()
}
