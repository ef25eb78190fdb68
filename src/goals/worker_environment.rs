//! The publish step finds the server and the key on the worker. Setting it up comes with the connection; until then it is
//! a manual step.

use crate::derived::job_packages::is_named;
use crate::questions::{Part, View};
use crate::resources::Plan;

use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "worker-environment",
    title: "The publish step finds the server and the key",
    propose,
    manual,
};

fn propose(_: &View, _: &mut Draft) {}

fn manual(view: &View, _: &Plan) -> Vec<ManualStep> {
    let server = &view.config(Part::Server).server;
    let mut steps = Vec::new();
    if !server.path.is_built() {
        let path = server.path.word();
        steps.push(ManualStep {
            for_whom: "the network",
            what: format!(
                "set up the connection path \"{path}\": it is not built into this version"
            )
            .into(),
            paste: Vec::new(),
        });
    }
    let mut paste = vec!["AYON_HEADLESS_MODE=1".into()];
    if is_named(&server.url) {
        let url = server.url.as_str().trim_end_matches('/');
        paste.insert(0, format!("AYON_SERVER_URL={url}").into());
    }
    steps.push(ManualStep {
        for_whom: "the workers",
        what: "give the publish step the server and the key of a service user in its environment; \
            pass the key in a way that no log shows"
            .into(),
        paste,
    });
    steps
}
