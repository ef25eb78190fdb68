//! A fleet's configuration. UpdateFleet replaces the whole of it, so the whole text that the service sent is edited at the
//! member that changes, and sent back.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    AsCode, Call, Change, Found, Ready, Resource, Step, Touched, changed, merged, needed,
    other_answer, parsed,
};
use crate::domain::farm::FleetStatus;
use crate::domain::fleet_settings::{FleetSettings as Settings, read};
use crate::domain::ids::{AccountId, FleetKey, Region};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AnyAnswer, AnyQuestion, FleetDetails, FleetSettings, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetConfiguration {
    pub fleet: FleetKey,
}

/// One run at a time changes a fleet.
pub(super) fn fleet_lock(account: &AccountId, region: &Region, fleet: &FleetKey) -> String {
    format!("{account}-{region}-{}", fleet.fleet)
}

/// A fleet as the calls name it.
pub(super) fn fleet_of(fleet: &FleetKey) -> serde_json::Value {
    json!({ "farmId": fleet.farm, "fleetId": fleet.fleet })
}

/// The words of a fleet's status after which a change is made, and those on the way.
pub(super) const READY: &[&str] = &["ACTIVE", "SUSPENDED"];
pub(super) const COMING: &[&str] = &["UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"];

/// The service takes a change first, and says later what came of it.
pub(super) fn ready(settings: &Settings) -> Ready {
    let said = || {
        let more = settings.message.as_ref();
        let more = more.map_or_else(String::new, |m| format!(": {}", m.long()));
        format!("the fleet is {}{more}", settings.status.word()).into()
    };
    match &settings.status {
        // A word of a later version of the service may be a step on the way.
        FleetStatus::Updating | FleetStatus::Creating | FleetStatus::Unknown(_) => {
            Ready::NotYet(said())
        }
        FleetStatus::UpdateFailed | FleetStatus::CreateFailed => Ready::Failed(said()),
        FleetStatus::Active | FleetStatus::Suspended => Ready::Yes,
    }
}

impl Resource for FleetConfiguration {
    fn words(&self) -> Printable {
        format!("configuration of {}", self.fleet.fleet.brief()).into()
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
            ..Found::text(Some(it.configuration))
        }))
    }

    fn service(&self) -> &'static str {
        "deadline"
    }

    fn operation(&self, _: Step) -> &'static str {
        "UpdateFleet"
    }

    fn undo(&self, _: Step) -> &'static str {
        "undo: restores the fleet's old configuration; workers that run keep theirs until they end"
    }

    fn lock(&self, account: &AccountId, region: &Region) -> String {
        fleet_lock(account, region, &self.fleet)
    }

    fn is_json(&self) -> bool {
        true
    }

    fn waits(&self) -> bool {
        true
    }

    fn as_code(&self, change: &Change, _: &Snapshot) -> AsCode {
        let fleet = fleet_of(&self.fleet);
        let after = parsed(change.after.as_deref());
        let own = merged(&fleet, json!({ "configuration": after }));
        let code = AsCode::from(Call::new("deadline", change.operation(), own));
        let now = || Call::new("deadline", "GetFleet", fleet.clone());
        // The call replaces the whole of it, so all of it must be as it was.
        code.guard(now(), "configuration", parsed(change.before.as_deref()))
            .wait(now(), "status", READY, COMING)
    }

    fn apply_to(&self, snapshot: &mut Snapshot, text: Option<&str>) {
        let Some(text) = text else {
            return;
        };
        let (attached, roles) = read(text).unwrap_or_default();
        if let Some(settings) = snapshot.facts.known_mut(&FleetSettings(self.fleet.clone())) {
            text.clone_into(&mut settings.configuration);
        }
        if let Some(fleet) = snapshot.facts.known_mut(&FleetDetails(self.fleet.clone())) {
            fleet.configurations = attached.iter().map(Untrusted::new).collect();
            fleet.roles = roles.iter().map(Untrusted::new).collect();
            if fleet.status == FleetStatus::UpdateFailed {
                fleet.status = FleetStatus::Active;
                fleet.message = None;
            }
        }
    }

    fn touches(&self, _: &Snapshot) -> Vec<Touched> {
        let fleet = &self.fleet;
        changed([
            FleetSettings(fleet.clone()).into(),
            FleetDetails(fleet.clone()).into(),
        ])
    }
}
