//! Which environments of a queue create conda environments, of those that were read and can be parsed.

use crate::domain::fact::Fact;
use crate::domain::farm::QueueEnvironment;
use crate::domain::ids::QueueKey;
use crate::domain::template::Template;
use crate::questions::{QueueEnvironments, View};

/// The environments that were read, in the order in which they run.
pub fn environments<'a>(view: &View<'a>, key: &QueueKey) -> Vec<&'a QueueEnvironment> {
    let list = view.fact(&QueueEnvironments(key.clone())).known();
    list.into_iter().flatten().filter_map(Fact::known).collect()
}

pub fn conda_environments<'a>(
    view: &View<'a>,
    key: &QueueKey,
) -> Vec<(&'a QueueEnvironment, &'a Template)> {
    let read = |e: &'a QueueEnvironment| e.template.parsed.as_ref().ok().map(|t| (e, t));
    environments(view, key)
        .into_iter()
        .filter_map(read)
        .filter(|(_, t)| t.kind.is_conda())
        .collect()
}
