//! A fleet whose path is VPC Lattice uses a resource configuration that leads to the server: gateway, configuration, share
//! and attachment, each made where it is missing; and its workers find the server's name.

use crate::derived::connections::{Connection, connections};
use crate::derived::lattice::attached;
use crate::derived::lattice_wanted::{Lack, Making, Wanted, wanted, worker_name, writes_hosts};
use crate::domain::config::PathId;
use crate::domain::farm::Fleet;
use crate::domain::fleet_settings::{read, with_attachment};
use crate::domain::host_script::{block, names, own, with};
use crate::domain::ids::FleetKey;
use crate::domain::risk::RiskKind;
use crate::domain::text::Printable;
use crate::questions::{FleetDetails, FleetSettings, LatticeQuota, Part, View};
use crate::resources::{
    AnyResource, Change, FleetConfiguration, FleetScript, Plan, ResourceConfiguration,
    ResourceGateway, placeholder,
};

use super::fleet_roles::{current, fleet_change_id};
use super::lattice_share::share;
use super::{Draft, Goal, ManualStep};

pub const GOAL: Goal = Goal {
    id: "lattice-path",
    title: "Each fleet with the path \"lattice\" uses a configuration that leads to the server",
    propose,
    manual,
};

fn script_id(key: &FleetKey) -> String {
    format!("host-script/{}", key.fleet)
}

fn by_lattice(view: &View) -> Vec<Connection> {
    let mut all = connections(view);
    all.retain(|c| c.chosen.path == PathId::Lattice && c.can_work());
    all
}

fn propose(view: &View, draft: &mut Draft) {
    for connection in by_lattice(view) {
        let key = &connection.key;
        match wanted(view, key) {
            Some(Ok(wanted)) => set_up(view, draft, key, &wanted),
            Some(Err(Lack::Refused(why))) => draft.refuse(why),
            Some(Err(Lack::Unread(problem))) => draft.problem(Some(&problem)),
            Some(Err(Lack::Pending)) | None => {}
        }
    }
}

fn set_up(view: &View, draft: &mut Draft, key: &FleetKey, wanted: &Wanted) {
    let id = id_of(wanted);
    let uses = attached(view, key).unwrap_or_default();
    let is_attached = uses.contains(&id);
    // What the fleet could not use is not made for it.
    if !is_attached
        && (draft.wishes.left_out.contains(&fleet_change_id(key))
            || !has_room(view, draft, key, &uses))
    {
        return;
    }
    let mut needs = match wanted {
        Wanted::There { .. } => Vec::new(),
        Wanted::Make(making) => match make(view, draft, making) {
            Some(change) => vec![change],
            None => return, // something of it was left out
        },
    };
    let arn = arn_of(wanted);
    if !share(view, draft, key, (&arn, is_attached), &mut needs) {
        return;
    }
    if !is_attached {
        attach(view, draft, key, &arn, &needs);
        if !draft.has(&fleet_change_id(key)) {
            return;
        }
    }
    if writes_hosts(&view.config(Part::Server).lattice) {
        hosts_entry(view, draft, key, &id, &needs);
    }
}

/// The id of the configuration, as later changes name it.
pub(super) fn id_of(wanted: &Wanted) -> String {
    match wanted {
        Wanted::There { id, .. } => id.clone(),
        Wanted::Make(making) => placeholder(&ResourceConfiguration::change_id(&making.name), "id"),
    }
}

/// Its ARN, as later changes name it.
fn arn_of(wanted: &Wanted) -> String {
    match wanted {
        Wanted::There { arn, .. } => arn.clone(),
        Wanted::Make(making) => placeholder(&ResourceConfiguration::change_id(&making.name), "arn"),
    }
}

/// Does the fleet use that configuration, now or after this plan?
pub(super) fn will_use(view: &View, draft: &Draft, key: &FleetKey, wanted: &Wanted) -> bool {
    let id = fleet_change_id(key);
    let planned = draft.plan.changes.iter().filter(|c| c.id == id);
    let planned = planned.filter_map(|c| read(c.after.as_deref()?).ok());
    let arn = arn_of(wanted);
    let uses = attached(view, key).unwrap_or_default();
    uses.contains(&id_of(wanted)) || planned.into_iter().any(|(all, _)| all.contains(&arn))
}

fn tags(view: &View) -> Vec<(String, String)> {
    view.config(Part::Iam).iam.new_role.tags.clone()
}

/// Gateway and configuration: the change that makes the latter. `None`: something of it was left out.
fn make(view: &View, draft: &mut Draft, making: &Making) -> Option<String> {
    let name = &making.name;
    let id = ResourceConfiguration::change_id(name);
    if draft.has(&id) {
        return Some(id);
    }
    let left_out = |id: &String| draft.wishes.left_out.contains(id);
    let gateway_change = ResourceGateway::change_id(name);
    if left_out(&id) || (making.gateway.is_none() && left_out(&gateway_change)) {
        return None;
    }
    let mut needs = Vec::new();
    let gateway = if let Some(there) = &making.gateway {
        there.clone()
    } else {
        let resource = ResourceGateway {
            name: name.clone(),
            id: None,
            tags: tags(view),
        };
        let text = ResourceGateway::text(name, &making.vpc, &making.subnets, &making.groups);
        let because = format!(
            "traffic of the workers enters {} here, on its way to {}",
            making.vpc, making.target
        );
        let change = Change::new(gateway_change.clone(), resource, None, Some(text), because);
        let warning = making.one_subnet.then_some(
            "it stands in the target's own subnet alone; name more as subnets in [lattice] where the target has addresses in other zones",
        );
        draft.add(change.risk(RiskKind::OneZone, warning));
        needs.push(gateway_change.clone());
        placeholder(&gateway_change, "id")
    };
    let resource = ResourceConfiguration {
        name: name.clone(),
        id: None,
        tags: tags(view),
    };
    let text = ResourceConfiguration::text(name, &gateway, &making.target.to_string(), making.port);
    let because = format!(
        "workers may reach {} port {}, and nothing else",
        making.target, making.port
    );
    let warning = making.beyond.then_some(
        "no interface of this account holds the target: that VPC Lattice leads to an address beyond a VPN is not proven, its pages differ. Only a worker's own try tells",
    );
    let change = Change::new(id.clone(), resource, None, Some(text), because).needs(needs);
    draft.add(change.risk(RiskKind::UnprovenTarget, warning));
    Some(id)
}

/// Has the fleet room for another one? What it uses is never taken from it.
fn has_room(view: &View, draft: &mut Draft, key: &FleetKey, taken: &[String]) -> bool {
    // The first is within every quota.
    if taken.is_empty() {
        return true;
    }
    let name = view.fleet_name(key);
    let quota = view.fact(&LatticeQuota);
    match quota.known() {
        Some(most) if taken.len() >= *most as usize => {
            draft.refuse(format!("fleet {name} gets no other resource configuration, and nothing is made for it: it uses {}, and the quota L-9F7AA0C8 lets it use {most}; ask for more in Service Quotas", taken.join(", ")));
            false
        }
        Some(_) => true,
        None => {
            draft.problem(quota.problem());
            false
        }
    }
}

fn attach(view: &View, draft: &mut Draft, key: &FleetKey, arn: &str, needs: &[String]) {
    let because = "its workers reach the server by the resource configuration";
    edit(view, draft, key, (because, needs), &|text| {
        with_attachment(text, arn)
    });
}

/// One change per fleet, whatever of its configuration it edits.
pub(super) fn edit(
    view: &View,
    draft: &mut Draft,
    key: &FleetKey,
    (because, needs): (&str, &[String]),
    with: &dyn Fn(&str) -> Result<String, crate::domain::fleet_settings::NotEditable>,
) {
    let id = fleet_change_id(key);
    if draft.wishes.left_out.contains(&id) {
        return;
    }
    let Some((before, now)) = current(view, draft, key) else {
        return;
    };
    let name = view.fleet_name(key);
    let after = match with(&now) {
        Ok(after) => after,
        Err(why) => {
            draft.refuse(format!("fleet {name} is not changed: {why}"));
            return;
        }
    };
    let resource = FleetConfiguration { fleet: key.clone() };
    let earlier = draft.plan.changes.iter().find(|c| c.id == id);
    let because: Printable = match earlier {
        Some(c) => format!("{}; {because}", c.because).into(),
        None => because.into(),
    };
    let mut all: Vec<String> = earlier.map(|c| c.needs.clone()).unwrap_or_default();
    all.extend(needs.iter().cloned());
    draft.retain(|c| c.id != id);
    let warning = "UpdateFleet replaces the whole configuration: the rest goes back as the service sent it. Workers that run keep the old one until they end";
    let change = Change::new(id, resource, Some(before), Some(after), because)
        .named(name.to_width(40))
        .risk(RiskKind::RunningWorkers, Some(warning));
    draft.add(change.needs(all));
}

/// The lines that write the server's name into a worker's hosts file, so that its certificate fits.
fn hosts_entry(view: &View, draft: &mut Draft, key: &FleetKey, id: &str, needs: &[String]) {
    let change_id = script_id(key);
    if draft.wishes.left_out.contains(&change_id) {
        return;
    }
    let url = &view.config(Part::Server).server.url;
    let name = view.fleet_name(key);
    let Some(host) = url.domain() else {
        draft.refuse(format!("fleet {name} gets no hosts entry: the server's address names no host; write tls = \"plain\" into [lattice], or a name into [server] url"));
        return;
    };
    let settings = view.fact(&FleetSettings(key.clone()));
    let Some(settings) = settings.known() else {
        draft.problem(settings.problem());
        return;
    };
    let fleet: Option<&Fleet> = view.fact(&FleetDetails(key.clone())).known();
    let Some(os) = fleet.map(|f| f.os.clone()) else {
        return;
    };
    let now = settings.script.as_ref().map(|s| s.body.as_str());
    // What the studio has written itself serves, or the worker's own try says that it does not.
    if now.is_some_and(|body| names(body, host, &os)) {
        return;
    }
    // The name has its place within the lines before it is known.
    let in_region = worker_name(view, "");
    let Some(lines) = block(&os, &format!("{id}{in_region}"), host) else {
        draft.refuse(format!(
            "fleet {name} gets no hosts entry: which script its workers run is not known"
        ));
        return;
    };
    let before = now.and_then(own);
    if before.as_deref() == Some(lines.as_str()) {
        return;
    }
    if let Err(why) = with(now, Some(&lines), &os) {
        draft.refuse(format!("fleet {name} gets no hosts entry: {why}"));
        return;
    }
    let resource = FleetScript {
        fleet: key.clone(),
        os,
    };
    let because = "the certificate carries the server's own name, so workers must know that name by the address of VPC Lattice";
    let mut all = needs.to_vec();
    if draft.has(&fleet_change_id(key)) {
        all.push(fleet_change_id(key));
    }
    let change = Change::new(change_id, resource, before, Some(lines), because)
        .named(name.to_width(40))
        .risk(RiskKind::RunningWorkers, Some("it runs as an administrator on every new worker, before any task; it takes half a minute at most, and never makes a worker fail"));
    draft.add(change.needs(all));
}

/// Workers that run keep the old configuration.
fn manual(_: &View, plan: &Plan) -> Vec<ManualStep> {
    let changed = plan.changes.iter().filter_map(|c| match &c.resource {
        AnyResource::FleetConfiguration(r) => Some(&r.fleet),
        AnyResource::FleetScript(r) => Some(&r.fleet),
        _ => None,
    });
    let mut fleets: Vec<&FleetKey> = changed.collect();
    fleets.sort_unstable();
    fleets.dedup();
    if fleets.is_empty() {
        return Vec::new();
    }
    let lines = fleets.iter().flat_map(|key| {
        let of = format!("--farm-id {} --fleet-id {}", key.farm, key.fleet);
        [
            format!("aws deadline list-workers {of} --query 'workers[].status'").into(),
            format!("aws deadline update-fleet {of} --max-worker-count 0  # then, when the list is empty, the old maximum again").into(),
        ]
    });
    vec![ManualStep {
        for_whom: "workers that run now",
        what: "they keep the old configuration until they end, which is after 7 days at the latest; to have new ones at once, let the fleet run empty, and raise its maximum again (tasks that run are finished first)".into(),
        paste: lines.collect(),
    }]
}
