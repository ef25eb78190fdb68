//! Something puts the launcher into publish jobs: the AYON addon's settings, or the queue's default (field facts F).

use super::prelude::*;
use crate::derived::addon_places::{by_hand, fix};
use crate::derived::asked_packages::{Asked, asked, brings_its_own, shown};
use crate::domain::ids::QueueKey;
use crate::questions::QueueEnvironments;

pub(super) const CHECK: Check = Check {
    id: "launcher-asked-for",
    title: "Something puts AYON's packages into publish jobs",
    why: "an environment holds what its job asks for, and without the launcher a publish step ends with \"ayon: command not found\"",
    topic: Topic::Channels,
    grade: Grade::Documents,
    severity: Severity::Warn,
    in_audit: true,
    run: Run::Queue(check),
};

fn check(view: &View, key: &QueueKey) -> Vec<Finding> {
    if brings_its_own(view, key) {
        return Vec::new();
    }
    // What could not be read, conda-environment, bundle-launcher and addon-channels say.
    let environments = view.evidence(&QueueEnvironments(key.clone()));
    let told = asked(view, key);
    let each = told.iter().map(|asked| {
        let evidence = asked.place.evidence.clone();
        let finding = of(view, asked).about(asked.place.words());
        finding.from(environments.clone()).from(evidence)
    });
    each.collect()
}

fn of(view: &View, asked: &Asked) -> Finding {
    let place = asked.place.words();
    if asked.is_right() {
        let by = match &asked.by {
            Some((field, _)) => format!("named by the addon's {}", field.word()),
            None => "named by the queue's default".to_owned(),
        };
        let found: Vec<String> = asked.found.iter().map(|w| shown(w).to_string()).collect();
        return Finding::ok(format!("AYON's jobs ask for {} ({place})", found.join(" "))).why(by);
    }
    let Some((field, value)) = &asked.by else {
        return left_to_the_queue(asked);
    };
    let right = asked.corrected(value);
    let by_hand = by_hand(&asked.place, *field, &right);
    let fix = fix(
        view,
        &asked.place,
        "corrects the addon's packages, and leaves the others",
        &by_hand,
    );
    let word = field.word();
    if asked.missing.is_empty() {
        let line = format!("AYON's jobs ask for {} ({place})", pairs(asked));
        return Finding::warn("other-version", line)
            .why(format!(
                "the addon's {word} wins over the queue's default, and a launcher of another version than the bundle's \
                installs the bundle's own and relaunches, which ends in exit 1 in a read-only conda prefix"
            ))
            .fix(fix);
    }
    let list = asked.missing.join(" ");
    Finding::warn(
        "not-asked-for",
        format!("Nothing puts {list} into AYON's publish jobs ({place})"),
    )
    .why(format!(
        "the addon's {word} takes the place of the queue's default, and lacks it: {}; a job template or submitter of your own may",
        CHECK.why
    ))
    .fix(fix)
}

/// As it is written, and as it should be.
fn pairs(asked: &Asked) -> String {
    let pairs = asked.other.iter();
    let pairs: Vec<String> = pairs
        .map(|(own, wanted)| format!("{} and not {wanted}", shown(own)))
        .collect();
    pairs.join(", ")
}

/// A value of the addon would replace the queue's default whole, and packages that a submitter finds by itself.
fn left_to_the_queue(asked: &Asked) -> Finding {
    let place = asked.place.words();
    let at = asked.place.at.settings_words();
    let wanted = asked.wanted.join(" ");
    let by_hand = format!(
        "in AYON, settings of {at}, write conda_packages: {wanted}, with whatever else the jobs need: it takes the place of the queue's \
        default and of what a submitter finds in the scene"
    );
    if asked.missing.is_empty() {
        let line = format!("AYON's jobs ask for {} ({place})", pairs(asked));
        return Finding::warn("other-version", line)
            .why(format!(
                "the default of \"{}\" is the same for every variant, and a launcher of another version than the bundle's \
                installs the bundle's own and relaunches, which ends in exit 1 in a read-only conda prefix",
                asked.environment
            ))
            .fix(by_hand);
    }
    let list = asked.missing.join(" ");
    Finding::warn(
        "not-asked-for",
        format!("Nothing puts {list} into AYON's publish jobs ({place})"),
    )
    .why(format!(
        "neither CondaPackages of \"{}\" nor conda_packages of the addon names it: {}; a job template or submitter of your own may",
        asked.environment,
        CHECK.why
    ))
    .fix(by_hand)
}
