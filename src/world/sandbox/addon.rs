//! The `deadline_cloud` addon's settings in memory, as AYON keeps them: a project's on top of the studio's, and these on top of the
//! addon's defaults.

use std::collections::BTreeSet;

use serde_json::json;

use super::Truth;
use super::truth::{Pinned, Place};
use crate::domain::addon::{AddonAt, AddonField, AddonFields, AddonSettings};
use crate::resources::AddonSetting;

/// The addon's own channels (field facts A2).
pub(super) const DEFAULT_CHANNELS: &str = "deadline-cloud";

fn defaults(version: &str) -> AddonSettings {
    let all = json!({
        "farm_id": "",
        "queue_id": "",
        "conda_packages": "",
        "conda_channels": DEFAULT_CHANNELS,
        "extra_job_parameters": [],
        "publish_host_requirement_roles": ["publish"],
        "render_host_requirement_roles": ["render"],
    });
    AddonSettings::read(version, &all)
}

/// What jobs of that place go by.
pub(super) fn settings<'a>(truth: &'a Truth, at: &AddonAt) -> Option<&'a AddonSettings> {
    let own = at.project.as_ref().and_then(|project| {
        let own = truth.ayon.project_addon.get(project)?;
        own.get(&at.variant)
    });
    own.or_else(|| truth.addon.get(&at.variant))
}

/// What stands below that place.
fn below(truth: &Truth, at: &AddonAt) -> AddonSettings {
    let studio = at.project.as_ref().and(truth.addon.get(&at.variant));
    studio.cloned().unwrap_or_else(|| defaults(&at.version))
}

/// The settings with which of them are the place's own: those that differ from what is below, and those that were set to the same.
pub(super) fn own(truth: &Truth, at: &AddonAt) -> Option<AddonFields> {
    let (settings, below) = (settings(truth, at)?, below(truth, at));
    let all = AddonField::ALL.iter().copied();
    let mut fields = AddonFields::of(all.filter_map(|f| Some((f, settings.value(f)?))), true);
    let place = (at.variant, at.project.clone());
    let pinned = truth.ayon.pinned.iter().filter(|(own, _)| *own == place);
    let pinned: BTreeSet<AddonField> = pinned.map(|(_, f)| *f).collect();
    let differs = |f: &AddonField| match f.row() {
        Some(_) => settings.job_parameters != below.job_parameters,
        None => settings.value(*f) != below.value(*f),
    };
    fields.own.retain(|f| differs(f) || pinned.contains(f));
    Some(fields)
}

pub(super) fn write(truth: &mut Truth, resource: &AddonSetting, after: &str) -> Result<(), String> {
    if !truth.ayon.admin {
        return Err("no login of an AYON administrator is given".to_owned());
    }
    let then = AddonFields::of_text(after).ok_or("Invalid settings")?;
    let at = resource.at();
    let below = below(truth, &at);
    let before = settings(truth, &at).cloned().ok_or("Addon not found")?;
    let mut now = before.clone();
    let place = (at.variant, at.project.clone());
    let pinned = &mut truth.ayon.pinned;
    for (field, value) in &then.values {
        let under = below.value(*field).unwrap_or_default();
        let is_own = then.own.contains(field);
        // What is not pinned follows, whatever was sent.
        now.set(*field, if is_own { value } else { &under });
        pin(pinned, (place.clone(), *field), is_own && *value == under);
    }
    let projects = &mut truth.ayon.project_addon;
    if let Some(project) = &at.project {
        let own = projects.entry(project.clone()).or_default();
        own.insert(at.variant, now);
        return Ok(());
    }
    for (name, own) in projects.iter_mut() {
        let Some(own) = own.get_mut(&at.variant) else {
            continue;
        };
        for field in then.values.keys() {
            let entry = ((at.variant, Some(name.clone())), *field);
            let under = now.value(*field).unwrap_or_default();
            let is_own = pinned.contains(&entry) || own.value(*field) != before.value(*field);
            if !is_own {
                own.set(*field, &under);
            }
            pin(pinned, entry, is_own && own.value(*field) == Some(under));
        }
    }
    truth.addon.insert(at.variant, now);
    Ok(())
}

/// Remembers, or forgets, that a place has set what it would have had anyway.
fn pin(pinned: &mut Pinned, entry: (Place, AddonField), is_pinned: bool) {
    if is_pinned {
        pinned.insert(entry);
    } else {
        pinned.remove(&entry);
    }
}
