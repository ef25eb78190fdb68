//! Who makes the calls.

use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::text::Printable;

pub struct CallerIdentity;

impl Check for CallerIdentity {
    fn id(&self) -> &'static str {
        "caller-identity"
    }
    fn title(&self) -> &'static str {
        "AWS knows who is asking"
    }
    fn why(&self) -> &'static str {
        "every other answer depends on the identity that asks"
    }
    fn topic(&self) -> Topic {
        Topic::Identity
    }

    fn asks(&self, _: &View) -> Vec<Ask> {
        vec![Ask::Caller]
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        vec![match view.studio.caller.known() {
            Some(caller) => says(
                self,
                Verdict::Ok,
                format!(
                    "Signed in to account {} as {}",
                    caller.account,
                    Printable::short(caller.arn.raw(), 160)
                ),
            )
            .from(Source::Fact(Ask::Caller)),
            None => unseen(self, "who is signed in", &view.studio.caller, Ask::Caller),
        }]
    }
}
