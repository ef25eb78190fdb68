//! The settings of AYON's Deadline Cloud addon in one of the studio's bundles.

use super::job_packages::server;
use crate::domain::addon::AddonSettings as Settings;
use crate::domain::ayon::Variant;
use crate::questions::{AddonSettings, AyonBundles, View};

pub enum Addon<'a> {
    /// The bundle has no such addon.
    None,
    Pending,
    Unread,
    Read(&'a Settings),
}

pub fn addon<'a>(view: &View<'a>, of: Variant) -> Addon<'a> {
    let Some(url) = server(view) else {
        return Addon::Unread;
    };
    let fact = view.fact(&AyonBundles(url.clone()));
    let Some(bundles) = fact.known() else {
        return unknown(fact.is_pending());
    };
    let version = bundles.of(of).and_then(|b| b.addon.as_ref());
    let Some(version) = version else {
        return Addon::None;
    };
    let fact = view.fact(&AddonSettings(url, of, version.raw().to_owned()));
    match fact.known() {
        Some(settings) => Addon::Read(settings),
        None => unknown(fact.is_pending()),
    }
}

fn unknown<'a>(is_pending: bool) -> Addon<'a> {
    if is_pending {
        Addon::Pending
    } else {
        Addon::Unread
    }
}
