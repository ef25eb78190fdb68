//! The publish step finds the server and the key on the worker. Setting it up comes with the connection; until then it is
//! a manual step.

use crate::derived::connections::{connections, not_set_up};
use crate::derived::job_packages::is_named;
use crate::domain::config::PathId;
use crate::questions::{Part, View};
use crate::resources::Plan;

use super::{Draft, Goal, ManualStep};

pub(super) const GOAL: Goal = Goal {
    id: "worker-environment",
    title: "The publish step finds the server and the key",
    propose,
    manual,
};

/// A path that can't work is not set up as if it could.
fn propose(view: &View, draft: &mut Draft) {
    let config = view.config(Part::Server);
    // Direct never lacks a way in principle, so a studio with that path alone is not asked for its fleets here.
    let others = PathId::ALL
        .iter()
        .any(|p| *p != PathId::Direct && config.chooses(*p));
    if !is_named(&config.server.url) || !others {
        return;
    }
    for path in not_set_up(view) {
        draft.refuse(format!(
            "Path \"{}\" is checked, and not set up by this version",
            path.word()
        ));
    }
    for connection in connections(view).iter().filter(|c| !c.can_work()) {
        draft.refuse(format!(
            "Path \"{}\" does not lead from fleet {} to the server: {}",
            connection.chosen.path.word(),
            view.fleet_name(&connection.key),
            connection.chosen.reach.why
        ));
    }
}

fn manual(view: &View, _: &Plan) -> Vec<ManualStep> {
    let config = view.config(Part::Server);
    let server = &config.server;
    let mut steps = Vec::new();
    for path in not_set_up(view) {
        let path = path.word();
        steps.push(ManualStep {
            for_whom: "the network",
            what: format!(
                "set up the connection path \"{path}\": this version checks it, and does not set it up"
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
