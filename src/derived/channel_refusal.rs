//! Why AWS refuses what the queue role asks for. The services say that they refuse and not why; what the documents say
//! leaves one likely cause, and it is called that.

use crate::domain::channel::Channel;
use crate::domain::choices::RoleUse;
use crate::domain::finding::Fix;
use crate::domain::ids::{QueueKey, farm_arn};
use crate::domain::needs::of_channels;
use crate::domain::role::Role;
use crate::domain::trust::{Trust, judge};
use crate::questions::{Part, QueueDetails, RoleDocuments, View};

use super::role_access::access;
use super::role_findings::fix_of_trust;

fn role<'a>(view: &View<'a>, key: &QueueKey) -> Option<&'a Role> {
    let queue = view.fact(&QueueDetails(key.clone())).known()?;
    view.fact(&RoleDocuments(queue.role_arn()?)).known()
}

/// Why S3 refuses the queue role a channel, and the fix; `None`: the documents do not tell.
pub fn why_refused(view: &View, key: &QueueKey, channel: &Channel) -> Option<(String, Fix)> {
    let role = role(view, key)?;
    let bucket = channel.bucket()?;
    let config = view.config(Part::Owners);
    let owner = |b: &str| config.owner_of(b).cloned();
    let needs = of_channels(std::slice::from_ref(channel), role.arn.partition(), &owner);
    let documents = access(role, &needs);
    let name = role.arn.name();
    let list = |list: &[String]| list.join(", ");
    Some(if !documents.denied.is_empty() {
        (
            format!(
                "S3 answered 403; a Deny statement on {name} forbids {} (read from the documents)",
                list(&documents.denied)
            ),
            "find the Deny statement and ask its author: it was written on purpose".into(),
        )
    } else if !documents.outside_boundary.is_empty() {
        (
            format!(
                "S3 answered 403; the permissions boundary of {name} does not allow {} (read from the documents)",
                list(&documents.outside_boundary)
            ),
            "ask the owner of the permissions boundary to add it there".into(),
        )
    } else if !documents.lacking.is_empty() && documents.unread.is_empty() {
        (
            format!(
                "S3 answered 403; {name} lacks {} (read from the documents)",
                list(&documents.lacking)
            ),
            Fix::setup(
                "adds it to the inline policy studiolink-queue; the owner of another account's bucket must also grant it",
            ),
        )
    } else if documents.is_right() {
        (
            format!(
                "S3 answered 403 although {name}'s own documents allow it, so the other side is \
                    the likely cause: the policy of the bucket {bucket}, or of the KMS key that \
                    encrypts it; an organization's policy is possible too"
            ),
            "send the bucket's owner the message under \"Manual steps\"; a role that was created again must be allowed again".into(),
        )
    } else {
        return None;
    })
}

/// Whether Deadline Cloud can assume a queue's role, by its trust policy; `None`: that can't be parsed.
pub(super) fn trust_of(view: &View, key: &QueueKey, role: &Role) -> Option<Trust> {
    let policy = role.trust.policy().ok()?;
    let account = role.arn.account();
    let farm = farm_arn(view.region(), account, &key.farm);
    Some(judge(policy, RoleUse::Queue, &farm, account))
}

/// Why the queue role's credentials were not handed out. AWS answers the same to two causes: the role's trust policy
/// refuses, or this identity lacks the permission. The trust policy, where it was read, tells them apart.
///
/// Why, and the fix.
pub fn why_no_credentials(view: &View, key: &QueueKey) -> Option<(String, Fix)> {
    let role = role(view, key)?;
    let trust = trust_of(view, key, role)?;
    let farm = farm_arn(view.region(), role.arn.account(), &key.farm);
    let name = role.arn.name();
    Some(match trust {
        Trust::Refused | Trust::Denied => (
            format!(
                "the trust policy of {name} does not let Deadline Cloud assume it for this farm (read from the document)"
            ),
            fix_of_trust(view, RoleUse::Queue, role, &farm),
        ),
        // Which of the two principals this call needs, no page says.
        Trust::OnlyWorkers => (
            format!(
                "the trust policy of {name} names only the workers' principal (read from the \
                    document), which may be the cause; or this identity lacks \
                    deadline:AssumeQueueRoleForUser"
            ),
            fix_of_trust(view, RoleUse::Queue, role, &farm),
        ),
        Trust::Right | Trust::TooWide | Trust::Anybody => (
            format!(
                "the trust policy of {name} lets Deadline Cloud assume it (read from the document), so this identity lacks deadline:AssumeQueueRoleForUser"
            ),
            "add deadline:AssumeQueueRoleForUser to this identity".into(),
        ),
        Trust::Depends => return None,
    })
}
