//! The queue role's documents allow what the S3 channels need. Read from the documents, not tried.

use super::queue_role::{asks_for, each_role, needs_of};
use super::{Ask, Check, Finding, Topic, Verdict, View, says};
use crate::domain::choices::RoleUse;
use crate::domain::needs::{Need, QUEUE_POLICY};
use crate::domain::policy::Decision;
use crate::domain::studio::Role;

pub struct QueueRoleChannels;

/// What a role's documents say of its needs.
#[derive(Default)]
pub struct Judged {
    pub denied: Vec<String>,
    pub lacking: Vec<String>,
    /// Whatever its policies say, its boundary does not allow it.
    pub fenced: Vec<String>,
    pub depends: Vec<String>,
    pub unread: Vec<String>,
}

impl Judged {
    /// What is not allowed, whatever the reason.
    pub fn wrong(&self) -> impl Iterator<Item = &String> {
        self.denied.iter().chain(&self.fenced).chain(&self.lacking)
    }

    pub fn is_right(&self) -> bool {
        self.wrong()
            .chain(&self.depends)
            .chain(&self.unread)
            .next()
            .is_none()
    }
}

pub fn judged(role: &Role, needs: &[Need]) -> Judged {
    let (policies, unread) = role.policies();
    let mut out = Judged {
        unread,
        ..Judged::default()
    };
    let fence = role.fence().unwrap_or_else(|why| {
        out.unread.push(why);
        None
    });
    let all = || policies.iter().map(|(_, p)| p);
    for need in needs {
        let own = need.judged(all(), None);
        // Without a boundary nothing is fenced off.
        let inside = fence.as_ref().map(|f| need.judged([f], None));
        for (at, (words, own)) in own.into_iter().enumerate() {
            let inside = inside.as_ref().map_or(Decision::Allowed, |i| i[at].1);
            match (own, inside) {
                (Decision::Denied, _) => out.denied.push(words),
                (_, Decision::Denied | Decision::NotAllowed) => out.fenced.push(words),
                (Decision::NotAllowed, _) => out.lacking.push(words),
                (Decision::Depends, _) | (_, Decision::Depends) => out.depends.push(words),
                (Decision::Allowed, Decision::Allowed) => {}
            }
        }
    }
    out
}

/// How a check speaks of a role's documents.
pub struct Words<'a> {
    /// What is lacking weighs so much.
    pub lack: Verdict,
    pub why: &'a str,
    pub fix: String,
    pub ok: String,
}

/// The finding that documents come to: a Deny before a lack, a lack before a doubt.
pub fn told(check: &dyn Check, role: &Role, j: &Judged, words: &Words) -> Finding {
    let name = role.arn.name();
    let unknown = |says_so: String| {
        says(check, Verdict::Unknown, says_so)
            .why(j.unread.join("; "))
            .fix("add the iam:Get… permissions that the reason names, then look again")
    };
    if !j.denied.is_empty() {
        says(
            check,
            words.lack,
            format!("A Deny statement on {name} forbids {}", j.denied.join(", ")),
        )
        .why("a Deny wins over every Allow, so adding rights would not help")
        .fix("find the Deny in the role's own policies; whoever wrote it meant something by it")
    } else if !j.fenced.is_empty() {
        let fence = role.boundary.as_ref().map(|b| b.show().to_string());
        says(
            check,
            words.lack,
            format!(
                "The permissions boundary of {name} does not allow {}",
                j.fenced.join(", ")
            ),
        )
        .why(format!(
            "a role may only do what its policies and its boundary both allow; the boundary is {}",
            fence.unwrap_or_default()
        ))
        .fix("have whoever keeps the boundary add it there; a policy of the role can't")
    } else if !j.lacking.is_empty() && !j.unread.is_empty() {
        unknown(format!("Not every policy of {name} could be read"))
    } else if !j.lacking.is_empty() {
        says(
            check,
            words.lack,
            format!("{name} lacks {}", j.lacking.join(", ")),
        )
        .why(words.why)
        .fix(words.fix.as_str())
    } else if !j.unread.is_empty() {
        unknown(format!(
            "Not every policy of {name} could be read; one of those may forbid what the others allow"
        ))
    } else if !j.depends.is_empty() {
        says(check, Verdict::Warn, format!("Whether {name} has {} hangs on a condition that can't be judged from here", j.depends.join(", ")))
            .why("a condition on aws:ResourceAccount needs the bucket's owner, which no call reveals; others need the worker's own request")
            .fix("set [conda] channel_account in the studio file, where the condition is on the owner")
    } else {
        says(check, Verdict::Ok, words.ok.as_str())
    }
}

impl Check for QueueRoleChannels {
    fn id(&self) -> &'static str {
        "queue-role-channels"
    }
    fn title(&self) -> &'static str {
        "The queue role's policies allow reading the S3 channels"
    }
    fn why(&self) -> &'static str {
        "conda reads s3:// channels as the queue role: s3:GetObject for files, s3:ListBucket to tell absent from forbidden"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::Queue)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        each_role(
            self,
            view,
            RoleUse::Queue,
            "what it may read: role",
            |used, role| {
                let mut needs = needs_of(view, used);
                needs.retain(Need::is_of_channels);
                if needs.is_empty() {
                    return None;
                }
                let name = role.arn.name();
                let words = Words {
                    lack: Verdict::Fail,
                    why: self.why(),
                    fix: format!("setup adds it to the inline policy {QUEUE_POLICY}"),
                    ok: format!("{name} may read the S3 channels (read from its documents)"),
                };
                Some(told(self, role, &judged(role, &needs), &words))
            },
        )
    }
}
