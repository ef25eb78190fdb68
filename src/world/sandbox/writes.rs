//! What a change does to the studio in memory.

use super::{SandboxEnvironment, SandboxRole, Truth, addon, jobs, network, secrets};
use crate::domain::ayon::LabelledKey;
use crate::domain::ids::QueueEnvironmentId;
use crate::domain::needs::{INLINE_LIMIT, counted};
use crate::domain::policy::Policy;
use crate::domain::template::validate;
use crate::domain::text::Untrusted;
use crate::resources::{AnyResource, Change, EnvironmentTemplate, Outputs};

/// The service that keeps it.
pub(super) fn service(resource: &AnyResource) -> &'static str {
    match resource {
        AnyResource::InlinePolicy(_) | AnyResource::TrustPolicy(_) | AnyResource::IamRole(_) => {
            "iam"
        }
        AnyResource::EnvironmentTemplate(_)
        | AnyResource::QueueRoleLink(_)
        | AnyResource::FleetConfiguration(_)
        | AnyResource::FleetScript(_)
        | AnyResource::ProbeJob(_) => "deadline",
        AnyResource::AddonSetting(_) | AnyResource::AyonUserKey(_) => "ayon",
        AnyResource::ResourceGateway(_) | AnyResource::ResourceConfiguration(_) => "vpc-lattice",
        AnyResource::ResourceShare(_) | AnyResource::ShareAssociations(_) => "ram",
        AnyResource::Secret(_) | AnyResource::SecretValue(_) => "secretsmanager",
    }
}

/// Writes one thing, as strictly as the service would; the reason where it refuses.
#[allow(clippy::too_many_lines)] // an arm for each kind of thing
pub(super) fn write(truth: &mut Truth, change: &Change) -> Result<Outputs, String> {
    let after = change.after.as_deref();
    let document = |text: &str| -> Result<String, String> {
        let malformed = |e| format!("MalformedPolicyDocument: {e}");
        Policy::parse(text).map_err(malformed)?;
        Ok(text.to_owned())
    };
    match &change.resource {
        AnyResource::EnvironmentTemplate(r) => return write_environment(truth, r, after),
        AnyResource::IamRole(r) => match after {
            Some(_) if truth.roles.contains_key(&r.role) => {
                return Err(format!("EntityAlreadyExists: {}", r.role.name()));
            }
            Some(trust) => {
                let boundary_policy = r.boundary.as_ref().and_then(|b| truth.boundaries.get(b));
                let role = SandboxRole {
                    trust: document(trust)?,
                    boundary: r.boundary.clone(),
                    boundary_policy: boundary_policy.cloned(),
                    inline: std::collections::BTreeMap::new(),
                    attached: std::collections::BTreeMap::new(),
                };
                truth.roles.insert(r.role.clone(), role);
            }
            None => {
                let found = truth.roles.get(&r.role).ok_or("NoSuchEntity")?;
                if !found.inline.is_empty() || !found.attached.is_empty() {
                    return Err("DeleteConflict: the role still has policies".to_owned());
                }
                truth.roles.remove(&r.role);
            }
        },
        AnyResource::InlinePolicy(r) => {
            let role = truth.roles.get_mut(&r.role).ok_or("NoSuchEntity")?;
            match after {
                Some(text) => {
                    let others = role.inline.iter().filter(|(name, _)| **name != r.policy);
                    let others: usize = others.map(|(_, text)| counted(text)).sum();
                    if counted(text) + others > INLINE_LIMIT {
                        return Err(
                            "LimitExceeded: a role's inline policies hold 10,240 characters"
                                .to_owned(),
                        );
                    }
                    role.inline.insert(r.policy.clone(), document(text)?);
                }
                None => {
                    role.inline.remove(&r.policy).ok_or("NoSuchEntity")?;
                }
            }
        }
        AnyResource::TrustPolicy(r) => {
            let role = truth.roles.get_mut(&r.role).ok_or("NoSuchEntity")?;
            role.trust = document(after.ok_or("a role always has a trust policy")?)?;
        }
        AnyResource::QueueRoleLink(r) => {
            let arn = after.ok_or("UpdateQueue can't take a queue's role away")?;
            let queue = truth.queues.get_mut(&r.queue).ok_or("ResourceNotFound")?;
            queue.queue.role = Some(Untrusted::new(arn));
        }
        AnyResource::AddonSetting(r) => {
            addon::write(truth, r, after.ok_or("the settings are always there")?)?;
        }
        AnyResource::ProbeJob(r) => return jobs::probe(truth, r, after),
        AnyResource::AyonUserKey(r) => {
            if !truth.ayon.admin {
                return Err("no login of an AYON administrator is given".to_owned());
            }
            let user = truth.ayon.users.get_mut(&r.user).ok_or("no such user")?;
            let own = |k: &LabelledKey| k.label.raw() == r.label;
            match after {
                Some(_) if user.keys.iter().any(own) => {
                    return Err("API key with this label already exists".to_owned());
                }
                Some(label) => user.keys.push(LabelledKey {
                    id: Untrusted::new(format!("key-{label}")),
                    label: Untrusted::new(label),
                }),
                None => user.keys.retain(|k| !own(k)),
            }
        }
        AnyResource::ResourceGateway(r) => return network::gateway(truth, r, after),
        AnyResource::ResourceConfiguration(r) => return network::configuration(truth, r, after),
        AnyResource::ResourceShare(r) => return network::share(truth, r, after),
        AnyResource::ShareAssociations(r) => network::associate(truth, r, after)?,
        AnyResource::FleetConfiguration(r) => network::fleet(truth, &r.fleet, after)?,
        AnyResource::FleetScript(r) => network::script(truth, r, after)?,
        AnyResource::Secret(r) => secrets::write(truth, r, after)?,
        AnyResource::SecretValue(r) => secrets::hand_out(truth, r, after)?,
    }
    Ok(Outputs::new())
}

fn write_environment(
    truth: &mut Truth,
    resource: &EnvironmentTemplate,
    after: Option<&str>,
) -> Result<Outputs, String> {
    if let Some(text) = after {
        let refused = |e| format!("ValidationException: {e}");
        validate(text, resource.template_type).map_err(refused)?;
    }
    truth.made += 1;
    let made = format!("queueenv-{:032x}", 0xf000_0000_u64 + u64::from(truth.made));
    let queue = truth
        .queues
        .get_mut(&resource.queue)
        .ok_or("ResourceNotFound")?;
    let all = &mut queue.environments;
    let at = |id: &QueueEnvironmentId| all.iter().position(|e| e.id == *id);
    match (&resource.id, after) {
        (None, Some(text)) => {
            let id: QueueEnvironmentId = made.parse().map_err(|e| format!("{e}"))?;
            let environment = SandboxEnvironment {
                id: id.clone(),
                name: resource.name.clone(),
                priority: resource.priority,
                kind: resource.template_type,
                text: text.to_owned(),
            };
            let later = all.iter().position(|e| e.priority > resource.priority);
            let place = later.unwrap_or(all.len());
            all.insert(place, environment);
            Ok(EnvironmentTemplate::outputs(&id))
        }
        // A deleted environment comes back with another id.
        (Some(id), Some(text)) => {
            let Some(at) = at(id) else {
                let anew = EnvironmentTemplate {
                    id: None,
                    ..resource.clone()
                };
                return write_environment(truth, &anew, after);
            };
            text.clone_into(&mut all[at].text);
            Ok(Outputs::new())
        }
        (Some(id), None) => {
            let at = at(id).ok_or("ResourceNotFound")?;
            all.remove(at);
            Ok(Outputs::new())
        }
        (None, None) => Err("the change names no environment id".to_owned()),
    }
}
