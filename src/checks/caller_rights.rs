//! What this identity may do of what setup needs, by IAM's simulator. Simulated, never verified: it blocks nothing.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::ask::NEW_ROLE_ACTIONS;
use crate::domain::choices::roles_to_make;

pub struct CallerRights;

impl Check for CallerRights {
    fn id(&self) -> &'static str {
        "caller-rights"
    }
    fn title(&self) -> &'static str {
        "This identity may make the calls that setup makes"
    }
    fn why(&self) -> &'static str {
        "a right that is missing shows best before the first question, not in the middle of the changes"
    }
    fn topic(&self) -> Topic {
        Topic::Identity
    }
    fn could_fail(&self) -> bool {
        false
    }
    fn in_audit(&self) -> bool {
        false
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        vec![Ask::Rights]
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let Some(rights) = view.studio.rights.known() else {
            return vec![unseen(
                self,
                "what this identity may do; that blocks nothing, each call will tell",
                &view.studio.rights,
                Ask::Rights,
            )];
        };
        // Making a role is asked for only where a queue has none.
        let makes = !roles_to_make(view.studio, view.wanted).is_empty();
        let counts = |a: &&String| makes || !NEW_ROLE_ACTIONS.contains(&a.as_str());
        let refused: Vec<&str> = rights
            .refused
            .iter()
            .filter(counts)
            .map(String::as_str)
            .collect();
        let allowed = rights.allowed.iter().filter(counts).count();
        let finding = if refused.is_empty() {
            says(
                self,
                Verdict::Ok,
                format!("All {allowed} calls of setup are allowed (simulated by IAM)"),
            )
        } else {
            says(self, Verdict::Warn, format!("IAM's simulator does not allow this identity, for resources in general: {}", refused.join(", ")))
                .why("the simulation names no resource: rights that name just this farm or role count as refused here and may still do; and it sees no policy of the organisation or of the session")
                .fix("have these actions added to the identity (`studiolink policy --for setup` prints the smallest policy that does), or go on: what they would read stays UNKNOWN, what they would write is not written")
        };
        vec![finding.from(Source::Fact(Ask::Rights))]
    }
}
