//! Our lines in the host configuration script of a fleet. Its text is those lines alone: what the studio has written around
//! them is read again just before each change, and stays.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fleet_configuration::{COMING, READY, fleet_lock, fleet_of, ready};
use super::{
    AsCode, Call, Change, Found, Resource, Step, Touched, changed, merged, needed, other_answer,
};
use crate::domain::farm::OperatingSystem;
use crate::domain::fleet_settings::HostScript;
use crate::domain::host_script::{own, with};
use crate::domain::ids::{AccountId, FleetKey, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, FleetDetails, FleetSettings, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetScript {
    pub fleet: FleetKey,
    /// What its workers run.
    pub os: OperatingSystem,
}

impl Resource for FleetScript {
    fn words(&self) -> Printable {
        format!(
            "lines in the host configuration script of {}",
            self.fleet.fleet.brief()
        )
        .into()
    }

    fn question(&self) -> AnyQuestion {
        FleetSettings(self.fleet.clone()).into()
    }

    fn found(&self, answer: AnyAnswer, _: &Change) -> Result<Found, Problem> {
        let AnyAnswer::FleetSettings(fact) = answer else {
            return Err(other_answer());
        };
        Ok(needed(fact)?.map_or_else(Found::default, |it| Found {
            ready: ready(&it),
            ..Found::text(it.script.and_then(|s| own(&s.body)))
        }))
    }

    fn service(&self) -> &'static str {
        "deadline"
    }

    fn operation(&self, _: Step) -> &'static str {
        "UpdateFleet"
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: takes these lines out of the script, and leaves the rest; workers that run have the entry until they end"
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        fleet_lock(account, region, &self.fleet)
    }

    fn waits(&self) -> bool {
        true
    }

    /// The call takes the whole script, and what the studio has written in it is not ours to copy.
    fn as_code(&self, change: &Change, snapshot: &Snapshot) -> AsCode {
        let settings = snapshot.facts.get(&FleetSettings(self.fleet.clone()));
        let Some(settings) = settings.and_then(crate::domain::fact::Fact::known) else {
            return AsCode::by_hand(format!("the {} were not read", self.words()));
        };
        if settings.script.is_some() {
            return AsCode::by_hand(format!(
                "the {}: the fleet has a script of its own, which may hold a password and is no part of any code; `studiolink apply` puts the lines into it, or paste them, as `studiolink plan` shows them, below its first line",
                self.words()
            ));
        }
        let body = match with(None, change.after.as_deref(), &self.os) {
            Ok(body) => body,
            Err(why) => return AsCode::by_hand(format!("the {}: {why}", self.words())),
        };
        let script = json!({ "scriptBody": body });
        let fleet = fleet_of(&self.fleet);
        let own = merged(&fleet, json!({ "hostConfiguration": script }));
        let read = || Call::new("deadline", "GetFleet", fleet.clone());
        AsCode::from(Call::new("deadline", change.operation(), own))
            .guard(
                read(),
                "hostConfiguration.scriptBody",
                serde_json::Value::Null,
            )
            .wait(read(), "status", READY, COMING)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        if let Some(settings) = snapshot.facts.known_mut(&FleetSettings(self.fleet.clone())) {
            let now = settings.script.as_ref().map(|s| s.body.as_str());
            if let Ok(body) = with(now, text, &self.os) {
                let seconds = settings.script.as_ref().and_then(|s| s.seconds);
                let script = HostScript { body, seconds };
                settings.script = Some(script).filter(|s| !s.body.is_empty());
            }
        }
        if let Some(fleet) = snapshot.facts.known_mut(&FleetDetails(self.fleet.clone())) {
            let now = fleet.host_script.as_ref().map(Untrusted::raw);
            if let Ok(body) = with(now, text, &self.os) {
                fleet.host_script = Some(Untrusted::new(body)).filter(|s| !s.raw().is_empty());
            }
        }
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        changed([
            FleetSettings(self.fleet.clone()).into(),
            FleetDetails(self.fleet.clone()).into(),
        ])
    }
}
