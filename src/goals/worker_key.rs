//! The workers' AYON key lies in AWS Secrets Manager: the secret that the studio file names is made, and given the key that
//! this machine holds, where it has none. A key that exists is changed by `rotate-key` alone.

use crate::derived::connections::goes_another_way;
use crate::derived::job_packages::is_named;
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::problem::ProblemKind;
use crate::domain::risk::RiskKind;
use crate::domain::worker_secret::{SecretPlace, WorkerSecret, first_version};
use crate::probes::{AyonKey, KeySeen};
use crate::questions::{Part, SecretDetails, View};
use crate::resources::{Change, Secret, SecretValue};

use super::{Draft, Goal, nothing_manual};

pub(super) const GOAL: Goal = Goal {
    id: "worker-key",
    title: "The workers' AYON key lies in AWS Secrets Manager",
    propose,
    manual: nothing_manual,
};

pub(super) fn secret_change_id(place: &SecretPlace) -> String {
    format!("secret/{}", place.name())
}

pub(super) fn value_change_id(place: &SecretPlace) -> String {
    format!("secret-value/{}", place.name())
}

fn propose(view: &View, draft: &mut Draft) {
    let Some(place) = &view.config(Part::Secret).secret else {
        return;
    };
    let name = place.name();
    match view.fact(&SecretDetails(place.clone())) {
        Fact::Known(secret) if secret.deleted.is_some() => draft.refuse(format!(
            "secret {name} is scheduled for deletion: `aws secretsmanager restore-secret --secret-id {name}` keeps it, or write another name in [server] secret"
        )),
        Fact::Known(secret) if is_locked(place, secret) => draft.refuse(format!(
            "secret {name} is encrypted with a KMS key that the studio file does not name: write it as secret_key next to [server] secret, so that the queue role gets kms:Decrypt on it"
        )),
        Fact::Known(secret) if secret.current.is_some() => {}
        Fact::Known(secret) => {
            let value = value(view, draft, place, secret.next_version());
            if let Some(change) = value {
                draft.add(change);
            }
        }
        Fact::Absent if place.is_arn() => draft.refuse(format!(
            "there is no secret {name} in {} at the ARN of [server] secret: correct its region and account, or write a name there, which setup creates",
            place.region(view.region().as_str())
        )),
        Fact::Absent => {
            // A secret without a value is of no use to anybody.
            if let Some(value) = value(view, draft, place, first_version(name)) {
                let made = create(view, place);
                let needs = [made.id.clone()];
                draft.add(made);
                draft.add(value.needs(needs));
            }
        }
        fact => draft.problem(fact.problem()),
    }
}

fn create(view: &View, place: &SecretPlace) -> Change {
    let resource = Secret {
        place: place.clone(),
        tags: view.config(Part::Iam).iam.new_role.tags.clone(),
    };
    let because = "the workers' AYON key has no place that the queue role alone can read";
    let text = Secret::text(place);
    Change::new(secret_change_id(place), resource, None, Some(text), because)
}

/// The key that this machine holds goes in, once it was seen to be a service user's.
fn value(view: &View, draft: &mut Draft, place: &SecretPlace, version: String) -> Option<Change> {
    let server = &view.config(Part::Server).server.url;
    let name = place.name();
    if !is_named(server) {
        draft.refuse(format!(
            "secret {name} gets no key: no AYON server is named yet"
        ));
        return None;
    }
    let here = Vantage::Here;
    let sight = view.seen(&AyonKey(server.clone()), &here);
    let seen = sight.seen()?;
    let owner = match &seen.seen {
        Ok(KeySeen::Owner {
            service: true,
            user,
            ..
        }) => Some(user.show()),
        Ok(KeySeen::Owner { user, .. }) => {
            draft.refuse(format!(
                "secret {name} gets no key: the one that is held here is of {}, who is not a service user, so that workers would publish in that name; give a service user's key",
                user.show()
            ));
            return None;
        }
        Ok(KeySeen::NoKey { .. }) => {
            draft.refuse(format!(
                "secret {name} gets no key: none is held here; set AYON_API_KEY, or type a service user's key on the Server step"
            ));
            return None;
        }
        // Workers reach the server by a way that this machine has not: here the key can't be tried.
        Err(problem) if problem.kind == ProblemKind::Unreached && goes_another_way(view) => {
            if !draft.wishes.unproven_key {
                draft.refuse(format!(
                    "secret {name} gets no key: this machine does not reach the server as workers do ({}), so that whether AYON takes the key, and whose it is, was not seen; --unproven-key puts it in all the same, and `studiolink probe` then asks a worker",
                    problem.because
                ));
                return None;
            }
            None
        }
        Err(problem) => {
            draft.problem(Some(problem));
            return None;
        }
    };
    let resource = SecretValue {
        place: place.clone(),
        server: server.clone(),
        back: false,
    };
    let whose = owner.as_ref().map_or_else(
        || "the key".to_owned(),
        |user| format!("the key of the service user {user}"),
    );
    let because = format!(
        "the secret holds no value; it gets {whose}, which this machine holds for {} (AYON_API_KEY, or the keyring)",
        server.host_str().unwrap_or_default()
    );
    let id = value_change_id(place);
    let change = Change::new(id, resource, None, Some(version), because);
    let warning = owner.is_none().then_some(
        "the key was not tried: this machine does not reach the server. Whether AYON takes it, and whether it is a service user's, `studiolink probe` asks a worker",
    );
    Some(change.risk(RiskKind::UnprovenKey, warning))
}

/// A key of somebody's own, of which no policy here knows.
fn is_locked(place: &SecretPlace, secret: &WorkerSecret) -> bool {
    let own = |k: &crate::domain::text::Untrusted| !k.raw().ends_with("alias/aws/secretsmanager");
    place.key.is_none() && secret.key.as_ref().is_some_and(own)
}

/// What is known of it, for others that rely on it.
pub(super) fn will_hold_key(view: &View, draft: &Draft, place: &SecretPlace) -> bool {
    let holds =
        |s: &WorkerSecret| s.deleted.is_none() && s.current.is_some() && !is_locked(place, s);
    let known = view.fact(&SecretDetails(place.clone())).known();
    known.is_some_and(holds) || draft.has(&value_change_id(place))
}
