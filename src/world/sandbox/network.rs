//! The sandbox's VPC Lattice, its shares and its fleets: as strict as the services are known to be, and at once ready.

use serde_json::{Value, json};

use super::truth::Truth;
use crate::domain::farm::{Fleet, Management};
use crate::domain::fleet_settings::{FleetSettings, HostScript, read};
use crate::domain::host_script::{SCRIPT_LIMIT, own};
use crate::domain::ids::FleetKey;
use crate::domain::lattice::{
    AssociationKind, AssociationState, DEADLINE_FLEETS, DnsResolution, LatticeStatus,
    ResourceConfiguration as Configuration, ResourceGateway as Gateway, Share, ShareAssociation,
    Target, configuration_id,
};
use crate::domain::text::Untrusted;
use crate::domain::vpc_dns::{NameInVpc, covers};
use crate::resources::{
    FleetScript, Outputs, ResourceConfiguration, ResourceGateway, ResourceShare, ShareAssociations,
};

fn body(text: &str) -> Result<Value, String> {
    if text.contains("${change:") {
        return Err("ValidationException: a placeholder was sent".to_owned());
    }
    serde_json::from_str(text).map_err(|e| format!("ValidationException: {e}"))
}

fn texts(value: &Value) -> Vec<Untrusted> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(Untrusted::new).collect()
}

fn word(value: &Value) -> Untrusted {
    Untrusted::new(value.as_str().unwrap_or_default())
}

/// An id that nothing else has.
fn fresh(truth: &mut Truth, prefix: &str) -> String {
    truth.made += 1;
    format!("{prefix}-{:017x}", 0xf000_0000_u64 + u64::from(truth.made))
}

pub(super) fn gateway(
    truth: &mut Truth,
    resource: &ResourceGateway,
    after: Option<&str>,
) -> Result<Outputs, String> {
    let Some(text) = after else {
        let id = resource.id.as_deref().ok_or("the change names no id")?;
        let on = |c: &Configuration| c.gateway.as_ref().is_some_and(|g| g.raw() == id);
        if truth.lattice.configurations.values().any(on) {
            return Err("ConflictException: the gateway has resource configurations".to_owned());
        }
        truth
            .lattice
            .gateways
            .remove(id)
            .ok_or("ResourceNotFoundException")?;
        return Ok(Outputs::new());
    };
    let it = body(text)?;
    let vpc = word(&it["vpcIdentifier"]);
    let there = truth.network.vpcs.get(vpc.raw());
    let there = there.ok_or("ValidationException: there is no such VPC")?;
    let subnets = texts(&it["subnetIds"]);
    let known = |s: &Untrusted| there.subnets.iter().any(|k| k.id == *s);
    if subnets.is_empty() || !subnets.iter().all(known) {
        return Err("ValidationException: a subnet is not of that VPC".to_owned());
    }
    let groups = texts(&it["securityGroupIds"]);
    if !groups
        .iter()
        .all(|g| there.groups.iter().any(|k| k.id == *g))
    {
        return Err("ValidationException: a security group is not of that VPC".to_owned());
    }
    let name = word(&it["name"]);
    if truth.lattice.gateways.values().any(|g| g.name == name) {
        return Err("ConflictException: there is a gateway of that name".to_owned());
    }
    let gateway = Gateway {
        name,
        status: LatticeStatus::Active,
        vpc,
        subnets,
        security_groups: groups,
        dns: DnsResolution::from(
            it["resourceConfigDnsResolution"]
                .as_str()
                .unwrap_or("PUBLIC"),
        ),
    };
    let id = fresh(truth, "rgw");
    truth.lattice.gateways.insert(id.clone(), gateway);
    Ok(ResourceGateway::outputs(&id))
}

pub(super) fn configuration(
    truth: &mut Truth,
    resource: &ResourceConfiguration,
    after: Option<&str>,
) -> Result<Outputs, String> {
    let Some(text) = after else {
        let id = resource.id.as_deref().ok_or("the change names no id")?;
        let uses = |f: &Fleet| {
            f.configurations
                .iter()
                .any(|a| configuration_id(a.raw()) == id)
        };
        if truth.fleets.values().any(uses) {
            return Err("ConflictException: the configuration is in use".to_owned());
        }
        truth
            .lattice
            .configurations
            .remove(id)
            .ok_or("ResourceNotFoundException")?;
        return Ok(Outputs::new());
    };
    let it = body(text)?;
    let gateway = word(&it["resourceGatewayIdentifier"]);
    if !truth.lattice.gateways.contains_key(gateway.raw()) {
        return Err("ResourceNotFoundException: there is no such gateway".to_owned());
    }
    let address = &it["resourceConfigurationDefinition"]["ipResource"]["ipAddress"];
    let address = address.as_str().ok_or("ValidationException: no address")?;
    let name = word(&it["name"]);
    if truth
        .lattice
        .configurations
        .values()
        .any(|c| c.name == name)
    {
        return Err("ConflictException: there is a configuration of that name".to_owned());
    }
    let id = fresh(truth, "rcfg");
    let (region, account) = (&truth.region, &truth.account);
    let arn = format!("arn:aws:vpc-lattice:{region}:{account}:resourceconfiguration/{id}");
    let made = Configuration {
        arn: Untrusted::new(&arn),
        name,
        status: LatticeStatus::Active,
        failure: None,
        kind: word(&it["type"]),
        protocol: Some(word(&it["protocol"])),
        ports: texts(&it["portRanges"]),
        gateway: Some(gateway),
        target: Target::Address(Untrusted::new(address)),
        shareable: it["allowAssociationToShareableServiceNetwork"] == json!(true),
    };
    truth.lattice.configurations.insert(id.clone(), made);
    Ok(ResourceConfiguration::outputs(&id, &arn))
}

/// The state of each association, as the service would have it after the call.
pub(super) fn associate(
    truth: &mut Truth,
    resource: &ShareAssociations,
    after: Option<&str>,
) -> Result<(), String> {
    let it = body(after.ok_or("ValidationException: nothing is associated")?)?;
    let wanted: Vec<ShareAssociation> = ["resourceArns", "principals", "sources"]
        .into_iter()
        .zip([
            AssociationKind::Resource,
            AssociationKind::Principal,
            AssociationKind::Source,
        ])
        .flat_map(|(member, kind)| associated(&it[member], &kind))
        .collect();
    let is_it = |s: &Share| s.arn.raw() == resource.arn;
    let shares = truth.lattice.shares.values().flatten();
    let mut share = shares
        .clone()
        .find(|s| is_it(s))
        .cloned()
        .ok_or("UnknownResourceException: there is no such share")?;
    let is_outside = |a: &ShareAssociation| a.entity.raw() == DEADLINE_FLEETS;
    if !share.external && wanted.iter().any(is_outside) {
        return Err("OperationNotPermittedException: no external principals".to_owned());
    }
    share.associations.retain_mut(|a| {
        let stays = wanted
            .iter()
            .any(|w| w.kind == a.kind && w.entity == a.entity);
        if !stays && a.is_in_force() {
            a.state = AssociationState::Disassociated;
        }
        !stays
    });
    share.associations.extend(wanted);
    let gone = |a: &ShareAssociation| {
        a.kind == AssociationKind::Resource
            && a.is_in_force()
            && !truth
                .lattice
                .configurations
                .contains_key(configuration_id(a.entity.raw()))
    };
    if share.associations.iter().any(gone) {
        return Err("ResourceArnNotFoundException: there is no such configuration".to_owned());
    }
    for there in truth.lattice.shares.values_mut().flatten() {
        if is_it(there) {
            *there = share.clone();
        }
    }
    for of in &share.associations {
        if of.kind == AssociationKind::Resource {
            let id = configuration_id(of.entity.raw()).to_owned();
            let all = truth.lattice.shares.entry(id).or_default();
            if !all.iter().any(is_it) {
                all.push(share.clone());
            }
        }
    }
    Ok(())
}

fn associated(entities: &Value, kind: &AssociationKind) -> Vec<ShareAssociation> {
    let each = texts(entities).into_iter().map(|entity| ShareAssociation {
        kind: kind.clone(),
        entity,
        state: AssociationState::Associated,
        message: None,
    });
    each.collect()
}

pub(super) fn share(
    truth: &mut Truth,
    resource: &ResourceShare,
    after: Option<&str>,
) -> Result<Outputs, String> {
    let Some(text) = after else {
        let arn = resource.arn.as_deref().ok_or("the change names no share")?;
        for all in truth.lattice.shares.values_mut() {
            all.retain(|s| s.arn.raw() != arn);
        }
        truth.lattice.shares.retain(|_, all| !all.is_empty());
        return Ok(Outputs::new());
    };
    let it = body(text)?;
    let of = |key: &str, kind: &AssociationKind| associated(&it[key], kind);
    let resources = of("resourceArns", &AssociationKind::Resource);
    let first = resources
        .first()
        .ok_or("ValidationException: nothing is shared")?;
    let id = configuration_id(first.entity.raw()).to_owned();
    if !truth.lattice.configurations.contains_key(&id) {
        return Err("ResourceArnNotFoundException: there is no such configuration".to_owned());
    }
    let made = fresh(truth, "share");
    let arn = format!(
        "arn:aws:ram:{}:{}:resource-share/{made}",
        truth.region, truth.account
    );
    let share = Share {
        name: word(&it["name"]),
        arn: Untrusted::new(&arn),
        status: Untrusted::new("ACTIVE"),
        external: it["allowExternalPrincipals"] == json!(true),
        associations: [
            resources,
            of("principals", &AssociationKind::Principal),
            of("sources", &AssociationKind::Source),
        ]
        .concat(),
    };
    truth.lattice.shares.entry(id).or_default().push(share);
    Ok(ResourceShare::outputs(&arn))
}

/// As GetFleet sends it; one that was never changed is put together from what the scenario says.
pub(super) fn settings(truth: &Truth, key: &FleetKey, fleet: &Fleet) -> FleetSettings {
    let kept = truth.fleet_texts.get(&key.fleet.to_string()).cloned();
    FleetSettings {
        configuration: kept.unwrap_or_else(|| written(fleet)),
        script: truth
            .host_scripts
            .get(&key.fleet.to_string())
            .map(|body| HostScript {
                body: body.clone(),
                seconds: None,
            }),
        status: fleet.status.clone(),
        message: fleet.message.clone(),
    }
}

fn written(fleet: &Fleet) -> String {
    let raw =
        |list: &[Untrusted]| -> Vec<String> { list.iter().map(|t| t.raw().to_owned()).collect() };
    let mut capabilities = json!({ "osFamily": fleet.os.word(), "vCpuCount": { "min": 4 } });
    if !fleet.roles.is_empty() {
        capabilities["customAttributes"] =
            json!([{ "name": "attr.role", "values": raw(&fleet.roles) }]);
    }
    let all = if fleet.management == Management::Customer {
        json!({ "customerManaged": { "mode": "NO_SCALING", "workerCapabilities": capabilities } })
    } else {
        let vpc = json!({ "resourceConfigurationArns": raw(&fleet.configurations) });
        json!({ "serviceManagedEc2": { "instanceCapabilities": capabilities, "vpcConfiguration": vpc,
            "instanceMarketOptions": { "type": "on-demand" } } })
    };
    all.to_string()
}

pub(super) fn fleet(truth: &mut Truth, key: &FleetKey, after: Option<&str>) -> Result<(), String> {
    let text = after.ok_or("UpdateFleet needs a configuration")?;
    body(text)?;
    let (attached, roles) = read(text).map_err(|e| format!("ValidationException: {e}"))?;
    if attached.len() > 1 {
        return Err(
            "ServiceQuotaExceededException: one resource configuration per fleet".to_owned(),
        );
    }
    for arn in &attached {
        let id = configuration_id(arn);
        let there = truth.lattice.configurations.get(id);
        let there = there.ok_or("ValidationException: there is no such configuration")?;
        if !there.shareable || !truth.lattice.shares.contains_key(id) {
            return Err(
                "the fleet would be UPDATE_FAILED: the configuration is not shared".to_owned(),
            );
        }
    }
    let fleet = truth
        .fleets
        .get_mut(key)
        .ok_or("ResourceNotFoundException")?;
    fleet.configurations = attached.iter().map(Untrusted::new).collect();
    fleet.roles = roles.iter().map(Untrusted::new).collect();
    // What the scenario says anyway needs no text of its own.
    let as_written = serde_json::from_str::<Value>(&written(fleet)).ok();
    if as_written == serde_json::from_str(text).ok() {
        truth.fleet_texts.remove(&key.fleet.to_string());
    } else {
        truth
            .fleet_texts
            .insert(key.fleet.to_string(), text.to_owned());
    }
    Ok(())
}

/// The lines of a script that setup writes; the rest stays. It is put together here once more, so that the preview is
/// compared with something.
pub(super) fn script(
    truth: &mut Truth,
    resource: &FleetScript,
    after: Option<&str>,
) -> Result<(), String> {
    if after.is_some_and(|text| text.contains("${change:")) {
        return Err("ValidationException: a placeholder was sent".to_owned());
    }
    let id = resource.fleet.fleet.to_string();
    if !truth.fleets.contains_key(&resource.fleet) {
        return Err("ResourceNotFoundException".to_owned());
    }
    let now = truth.host_scripts.get(&id).cloned().unwrap_or_default();
    let before = own(&now);
    let then = match (before, after) {
        (Some(before), Some(after)) => now.replacen(&before, after, 1),
        (Some(before), None) => now.replacen(&before, "", 1),
        (None, Some(after)) if now.starts_with("#!") => {
            now.replacen('\n', &format!("\n{after}"), 1)
        }
        (None, Some(after)) => format!("#!/bin/bash\n{after}{now}"),
        (None, None) => now,
    };
    if then.chars().count() > SCRIPT_LIMIT {
        return Err("ValidationException: scriptBody is too long".to_owned());
    }
    if then.trim() == "#!/bin/bash" || then.is_empty() {
        truth.host_scripts.remove(&id);
    } else {
        truth.host_scripts.insert(id, then);
    }
    Ok(())
}

/// What of a VPC's rules and zones covers that name.
pub(super) fn name_in_vpc(truth: &Truth, vpc: &str, name: &str) -> NameInVpc {
    let mut all = truth.network.names.get(vpc).cloned().unwrap_or_default();
    all.rules.retain(|r| covers(r.domain.raw(), name));
    all.zones.retain(|z| covers(z.domain.raw(), name));
    all
}
