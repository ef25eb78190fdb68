//! One change as data: the thing, its text before and after, and so the call that makes it and the one that undoes it.

use serde::{Deserialize, Serialize};

use url::Url;

use super::ask::{Ask, Variant};
use super::environment::TemplateType;
use super::ids::{QueueEnvironmentId, QueueKey, RoleArn};
use super::text::{Printable, Untrusted};

/// What is changed. Each has one text in the cloud, which is there or is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Thing {
    /// A queue environment's template. `id` is `None` until the service has made it.
    Environment {
        queue: QueueKey,
        id: Option<QueueEnvironmentId>,
        name: Untrusted,
        priority: i32,
        template_type: TemplateType,
    },
    /// An inline policy of a role.
    RolePolicy { role: RoleArn, policy: String },
    /// Who may assume a role. A role always has one, so it is only ever replaced.
    RoleTrust { role: RoleArn },
    /// A role that is made; its text is whom it trusts. Its path is in its ARN.
    NewRole {
        role: RoleArn,
        boundary: Option<String>,
        tags: Vec<(String, String)>,
    },
    /// The role that a queue names; its text is the ARN.
    QueueRole { queue: QueueKey },
    /// One field of the AYON addon `deadline_cloud`, in one variant of its settings.
    AddonChannels {
        server: Url,
        variant: Variant,
        version: Untrusted,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// Permanent within a studio: what `leave out` and resuming go by.
    pub key: String,
    pub thing: Thing,
    /// As served. `None`: it is not there.
    pub before: Option<String>,
    pub after: Option<String>,
    pub because: Printable,
    /// What the administrator should know before saying yes.
    pub warning: Option<Printable>,
}

impl Thing {
    /// The fact to read again just before the change, and after a call that did not answer.
    pub fn ask(&self) -> Ask {
        match self {
            Self::Environment {
                queue,
                id: Some(id),
                ..
            } => Ask::Environment(queue.clone(), id.clone()),
            Self::Environment {
                queue, id: None, ..
            } => Ask::Environments(queue.clone()),
            Self::RolePolicy { role, policy } => Ask::RolePolicy(role.clone(), policy.clone()),
            Self::RoleTrust { role } | Self::NewRole { role, .. } => Ask::RoleTrust(role.clone()),
            Self::QueueRole { queue } => Ask::Queue(queue.clone()),
            Self::AddonChannels {
                server,
                variant,
                version,
            } => Ask::AddonChannels(server.clone(), *variant, version.raw().to_owned()),
        }
    }

    pub fn words(&self) -> Printable {
        match self {
            Self::Environment { name, queue, .. } => {
                format!("environment \"{}\" of {}", name.show(), queue.queue.brief()).into()
            }
            Self::RolePolicy { role, policy } => format!("{} / {policy}", role.name()).into(),
            Self::RoleTrust { role } => format!("{} / trust policy", role.name()).into(),
            Self::NewRole {
                role,
                boundary,
                tags,
            } => {
                let fence = boundary.iter().map(|b| format!(", boundary {b}"));
                let tags = tags.iter().map(|(k, v)| format!(", tag {k} = {v}"));
                let more: String = fence.chain(tags).collect();
                format!("role {role}{more}").into()
            }
            Self::QueueRole { queue } => format!("role of {}", queue.queue.brief()).into(),
            Self::AddonChannels {
                variant, version, ..
            } => format!(
                "deadline_cloud {} ({}) / conda_channels",
                version.show(),
                variant.word()
            )
            .into(),
        }
    }
}

impl Change {
    /// The API call, as AWS names it.
    pub fn operation(&self) -> &'static str {
        match (&self.thing, &self.before, &self.after) {
            (Thing::Environment { .. }, None, _) => "CreateQueueEnvironment",
            (Thing::Environment { .. }, _, Some(_)) => "UpdateQueueEnvironment",
            (Thing::Environment { .. }, _, None) => "DeleteQueueEnvironment",
            (Thing::RolePolicy { .. }, _, Some(_)) => "PutRolePolicy",
            (Thing::RolePolicy { .. }, _, None) => "DeleteRolePolicy",
            (Thing::RoleTrust { .. }, ..) => "UpdateAssumeRolePolicy",
            (Thing::NewRole { .. }, _, Some(_)) => "CreateRole",
            (Thing::NewRole { .. }, _, None) => "DeleteRole",
            (Thing::QueueRole { .. }, ..) => "UpdateQueue",
            (Thing::AddonChannels { .. }, ..) => "POST settings",
        }
    }

    pub fn permission(&self) -> String {
        let service = match self.thing {
            Thing::Environment { .. } | Thing::QueueRole { .. } => "deadline",
            Thing::RolePolicy { .. } | Thing::RoleTrust { .. } | Thing::NewRole { .. } => "iam",
            Thing::AddonChannels { .. } => "ayon",
        };
        format!("{service}:{}", self.operation())
    }

    /// The change that puts back what was there.
    #[must_use]
    pub fn reverse(&self) -> Self {
        Self {
            key: self.key.clone(),
            thing: self.thing.clone(),
            before: self.after.clone(),
            after: self.before.clone(),
            because: Printable::new("undoes what the run did"),
            warning: None,
        }
    }

    /// What undoing costs, for the review page.
    pub fn undo(&self) -> &'static str {
        match (&self.thing, &self.before) {
            (Thing::Environment { .. }, None) => {
                "undo: deletes it; jobs submitted meanwhile keep their copy"
            }
            (Thing::Environment { .. }, Some(_)) => {
                "undo: the old text, kept; jobs submitted meanwhile keep the new one"
            }
            (Thing::RolePolicy { .. }, None) => "undo: deletes the policy",
            (Thing::RolePolicy { .. }, Some(_)) => "undo: the old document, kept as served",
            (Thing::RoleTrust { .. }, _) => "undo: the old trust policy, kept as served",
            (Thing::NewRole { .. }, _) => "undo: deletes the role, unless a queue keeps it",
            (Thing::QueueRole { .. }, Some(_)) => "undo: the queue's old role",
            (Thing::QueueRole { .. }, None) => {
                "no undo: UpdateQueue gives a queue a role and can't take one away again"
            }
            (Thing::AddonChannels { .. }, _) => {
                "undo: the old value, or the addon's default where that was in use"
            }
        }
    }

    /// What AWS can't undo, where there is something.
    pub fn cannot_undo(&self) -> Option<&'static str> {
        match (&self.thing, &self.before, &self.after) {
            (Thing::Environment { .. }, Some(_), None) => Some(
                "a deleted queue environment comes back with a new id, and behind others of its priority",
            ),
            (Thing::Environment { .. }, ..) => {
                Some("a job submitted in between keeps the environment that it was submitted with")
            }
            (Thing::QueueRole { .. }, None, _) => Some(
                "the queue keeps the role that it was given; the role stays too, without studiolink's policy",
            ),
            _ => None,
        }
    }

    /// AWS has no call that would put back what was there.
    pub fn is_final(&self) -> bool {
        matches!(self.thing, Thing::QueueRole { .. }) && self.before.is_none()
    }

    /// The role that a queue is given.
    pub fn gives_role(&self) -> Option<&str> {
        match (&self.thing, &self.after) {
            (Thing::QueueRole { .. }, Some(role)) => Some(role),
            _ => None,
        }
    }

    /// Is this text what the change leaves behind? A policy is compared as JSON: IAM keeps the text, but a service
    /// that lays it out anew has still done what was asked.
    pub fn is_after(&self, now: Option<&str>) -> bool {
        same(&self.thing, now, self.after.as_deref())
    }

    pub fn is_before(&self, now: Option<&str>) -> bool {
        same(&self.thing, now, self.before.as_deref())
    }

    /// Before and after as people read them: a policy is laid out, whatever its text.
    pub fn readable(&self) -> (String, String) {
        let lay_out = |text: &Option<String>| match (&self.thing, text) {
            (_, None) => String::new(),
            (Thing::QueueRole { .. }, Some(t)) => format!("{t}\n"),
            (
                Thing::RolePolicy { .. }
                | Thing::RoleTrust { .. }
                | Thing::NewRole { .. }
                | Thing::AddonChannels { .. },
                Some(t),
            ) => match serde_json::from_str::<serde_json::Value>(t) {
                Ok(value) => {
                    serde_json::to_string_pretty(&value).map_or_else(|_| t.clone(), |p| p + "\n")
                }
                Err(_) => t.clone(),
            },
            (Thing::Environment { .. }, Some(t)) => t.clone(),
        };
        (lay_out(&self.before), lay_out(&self.after))
    }
}

fn same(thing: &Thing, now: Option<&str>, then: Option<&str>) -> bool {
    match (thing, now, then) {
        (_, None, None) => true,
        (
            Thing::RolePolicy { .. }
            | Thing::RoleTrust { .. }
            | Thing::NewRole { .. }
            | Thing::AddonChannels { .. },
            Some(a),
            Some(b),
        ) => a == b || json_equal(a, b),
        (_, Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn json_equal(a: &str, b: &str) -> bool {
    match (
        serde_json::from_str::<serde_json::Value>(a),
        serde_json::from_str::<serde_json::Value>(b),
    ) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// The changes of one go, in the order in which they are made, and what could not be decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    pub changes: Vec<Change>,
    /// What could not be read, so that the plan may lack a change.
    pub unread: Vec<Printable>,
    /// What is wrong and is not changed here, with the reason.
    pub refused: Vec<Printable>,
}
