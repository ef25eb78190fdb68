//! The sandbox's Secrets Manager: names that are taken until a deleted secret is gone, and versions with a label.

use super::truth::Truth;
use crate::domain::text::Untrusted;
use crate::domain::worker_secret::WorkerSecret;
use crate::resources::{Secret, SecretValue};

pub(super) fn write(truth: &mut Truth, secret: &Secret, after: Option<&str>) -> Result<(), String> {
    let there = truth.secret_mut(&secret.place);
    if after.is_none() {
        let there = there.ok_or("ResourceNotFoundException")?;
        there.deleted = Some(jiff::Timestamp::now());
        return Ok(());
    }
    match there {
        Some(there) if there.deleted.is_some() => {
            return Err(
                "InvalidRequestException: a secret with this name is already scheduled for deletion"
                    .to_owned(),
            );
        }
        Some(_) => return Err("ResourceExistsException".to_owned()),
        None => {}
    }
    let place = &secret.place;
    let arn = place.resource("aws", &truth.region, truth.account.as_str());
    truth.kept_secrets.push(WorkerSecret {
        arn: Untrusted::new(arn.replace("??????", "SndBox")),
        name: Untrusted::new(place.name()),
        key: place.key.as_ref().map(Untrusted::new),
        deleted: None,
        current: None,
        versions: Vec::new(),
    });
    Ok(())
}

/// Like the service, it keeps the label of the version before and forgets what has none.
pub(super) fn hand_out(
    truth: &mut Truth,
    value: &SecretValue,
    after: Option<&str>,
) -> Result<(), String> {
    let version = after.ok_or("InvalidParameterException: AWSCURRENT can only be moved")?;
    let there = truth.secret_mut(&value.place);
    let there = there.ok_or("ResourceNotFoundException")?;
    if there.deleted.is_some() {
        return Err("InvalidRequestException: the secret is marked for deletion".to_owned());
    }
    let known = there.versions.iter().any(|v| v == version);
    match (value.back, known) {
        (true, false) => return Err("ResourceNotFoundException".to_owned()),
        (false, true) => return Err("ResourceExistsException".to_owned()),
        _ => {}
    }
    let before = there.current.replace(version.to_owned());
    there.versions = before.into_iter().chain([version.to_owned()]).collect();
    Ok(())
}
