//! `studiolink policy`: what to ask an IAM administrator for. For a person it reads the studio file alone; for a role
//! also the queue, its farm and its fleets, for what a role needs follows from those too.

use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::args::{self, Args, PolicyFor};
use super::out::{data, talk};
use super::{Failure, open};
use crate::derived::role_use::{choices, role_use};
use crate::domain::choices::RoleUse;
use crate::domain::config::{Location, PathId, StudioConfig};
use crate::domain::exit::Exit;
use crate::domain::finding::{Finding, Grade, Severity, Topic};
use crate::domain::ids::{RoleArn, partition_of};
use crate::domain::needs::Need;
use crate::domain::own_policy::{For, Scope, policy};
use crate::domain::subject::Subject;
use crate::engine::drive::observe;
use crate::engine::inquiry::Catalogue;
use crate::engine::unheard;
use crate::engine::workflow::{Catalogues, Workflow};
use crate::questions::{
    AddressOwner, CallerIdentity, Check, DnsProfiles, FarmDetails, LatticeConfiguration,
    LatticeConfigurations, LatticeGateway, LatticeGateways, LatticeQuota, LatticeShares,
    NamedShares, NodeDetails, Purpose, Question as _, QueueDetails, QueueFleets, ResolverEndpoint,
    Run, SessionSettings, TransitPath, View, VpcName, VpcNetwork, VpnConnections, ZoneRecord,
};

/// Reads what the needs of a role follow from, and says nothing.
const READ_NEEDS: Check = Check {
    id: "needs",
    title: "What a role needs",
    why: "a policy for it follows from them",
    topic: Topic::Roles,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Role(read_needs),
};

/// The same for a role that is not there yet.
const READ_ACCOUNT: Check = Check {
    id: "account",
    run: Run::Account(read_account),
    ..READ_NEEDS
};

const NEEDS: Catalogues = Catalogues {
    observe: Catalogue {
        checks: &[&READ_NEEDS, &READ_ACCOUNT],
        expand: crate::derived::roster::expand,
    },
    gate: crate::derived::channel_gate::gate,
    goals: &[],
};

fn read_needs(view: &View, arn: &RoleArn) -> Vec<Finding> {
    let _ = choices(view, arn);
    Vec::new()
}

fn read_account(view: &View) -> Vec<Finding> {
    let _ = any_role(view).and_then(|arn| choices(view, &arn));
    Vec::new()
}

/// Where there is no such role, any of the account's stands for it.
fn any_role(view: &View) -> Option<RoleArn> {
    let account = &view.fact(&CallerIdentity).known()?.account;
    let partition = partition_of(view.region());
    let arn = format!("arn:{partition}:iam::{account}:role/any");
    arn.parse().ok()
}

pub(super) async fn run(args: &Args, command: &args::Policy) -> Result<Exit, Failure> {
    if command.new_role && command.what != PolicyFor::Setup {
        return Err(Failure::Usage(
            "--new-role is for --for setup alone: nothing else creates a role\n  fix   leave it out"
                .to_owned(),
        ));
    }
    let what = match command.what {
        PolicyFor::QueueRole => return for_role(args, command, RoleUse::Queue).await,
        PolicyFor::FleetRole => return for_role(args, command, RoleUse::Fleet).await,
        PolicyFor::WorkerHost => return for_role(args, command, RoleUse::WorkerHost).await,
        PolicyFor::Setup => For::Setup,
        PolicyFor::Audit => For::Audit,
        PolicyFor::Probe => For::Probe,
    };
    // A person without permissions has no studio file either: flags do, and what is not named is any.
    let file = open::studio_file(args)?;
    if let (Some(path), None) = (&args.studio, &file.text) {
        let words = format!(
            "There is no {}\n  fix   name a studio file that exists, or leave --studio out",
            path.display()
        );
        return Err(Failure::Usage(words));
    }
    let config = file.config;
    let region = open::login(args, config.as_ref())?.region;
    let region = region.ok_or_else(|| {
        Failure::Usage("No AWS region is named\n  fix   add --region us-west-2 (or yours), or write it into the studio file".to_owned())
    })?;
    let channels = config.as_ref().map(|c| c.channels.clone());
    let mut buckets: Vec<String> = channels
        .unwrap_or_default()
        .iter()
        .filter_map(|c| c.bucket().map(str::to_owned))
        .collect();
    buckets.sort();
    buckets.dedup();
    let named = config.iter().flat_map(|c| &c.queues);
    let mut farms: Vec<String> = args.farm.iter().map(ToString::to_string).collect();
    if farms.is_empty() {
        farms = named.map(|q| q.farm.to_string()).collect();
    }
    if farms.is_empty() {
        farms.push("*".to_owned());
        talk("note: it names every farm; --farm ID, or a studio file, narrows it");
    }
    let made = command.new_role.then(|| {
        let new = config
            .as_ref()
            .map(|c| c.iam.new_role.clone())
            .unwrap_or_default();
        let name = new.name.unwrap_or_else(|| "studiolink-queue-*".to_owned());
        format!("{}{name}", new.path.as_deref().unwrap_or("/"))
    });
    let reads = config.as_ref().map(path_reads).unwrap_or_default();
    let writes = config.as_ref().map(path_writes).unwrap_or_default();
    let secret = config.as_ref().and_then(|c| c.secret.as_ref());
    let account = command.role.first().map_or("*", |r| r.account());
    let partition = partition_of(&region);
    let secret = secret.map(|s| s.resource(partition, &region, account));
    let scope = Scope {
        region: &region,
        farms: &farms,
        roles: &command.role,
        buckets: &buckets,
        new_role: made.as_deref(),
        path_reads: &reads,
        path_writes: &writes,
        secret: secret.as_deref(),
    };
    let document = policy(what, &scope);
    data(&serde_json::to_string_pretty(&document).unwrap_or_default());
    if command.role.is_empty() {
        talk(
            "note: it names every role; --role ARN, several times, narrows it to the queue's and \
                its fleets' (their ARNs are in the console's details of each)",
        );
    }
    Ok(Exit::Clean)
}

/// What the checks of the chosen paths ask of AWS, by the questions themselves.
fn path_reads(config: &StudioConfig) -> Vec<&'static str> {
    let none = String::new;
    let mut all: Vec<&'static str> = Vec::new();
    let mut add = |list: &'static [&'static str]| {
        all.extend(
            list.iter()
                .filter(|p| !all.contains(p))
                .copied()
                .collect::<Vec<_>>(),
        );
    };
    if config.chooses(PathId::Ssm) {
        add(NodeDetails(none()).permissions());
        add(SessionSettings.permissions());
    }
    if config.chooses(PathId::Lattice) {
        add(LatticeConfiguration(none()).permissions());
        add(LatticeGateway(none()).permissions());
        add(LatticeShares(none()).permissions());
        add(LatticeQuota.permissions());
        add(LatticeConfigurations.permissions());
        add(LatticeGateways.permissions());
        add(NamedShares(none()).permissions());
        let by_name = VpcName {
            vpc: none(),
            name: none(),
        };
        add(by_name.permissions());
        add(DnsProfiles(none()).permissions());
        add(ResolverEndpoint(none()).permissions());
        let record = ZoneRecord {
            zone: none(),
            name: none(),
        };
        add(record.permissions());
        add(VpcNetwork(none()).permissions());
        add(AddressOwner(none()).permissions());
    }
    let by_vpn = config.server.location == Location::Lan && config.chooses(PathId::Lattice);
    if by_vpn || config.chooses(PathId::Vpn) {
        let path = TransitPath {
            gateway: none(),
            vpc: none(),
            to: none(),
        };
        add(VpnConnections.permissions());
        add(path.permissions());
    }
    all
}

/// What setting them up calls besides. That sharing takes PutResourcePolicy is inferred: AWS's pages do not say it.
fn path_writes(config: &StudioConfig) -> Vec<&'static str> {
    let mut all = Vec::new();
    if config.chooses(PathId::Lattice) {
        all.extend([
            "vpc-lattice:CreateResourceGateway",
            "vpc-lattice:DeleteResourceGateway",
            "vpc-lattice:CreateResourceConfiguration",
            "vpc-lattice:DeleteResourceConfiguration",
            "vpc-lattice:PutResourcePolicy",
            "vpc-lattice:TagResource",
            "ram:CreateResourceShare",
            "ram:AssociateResourceShare",
            "ram:DisassociateResourceShare",
            "ram:DeleteResourceShare",
            "ram:TagResource",
        ]);
    }
    if config.chooses(PathId::Lattice) || !config.connections.is_empty() {
        all.push("deadline:UpdateFleet");
    }
    all
}

/// What roles of one kind need, as one document, with the reasons on stderr.
async fn for_role(args: &Args, command: &args::Policy, of: RoleUse) -> Result<Exit, Failure> {
    let file = open::studio_file(args)?;
    let config = open::needed_by_setup(args, &file)?;
    let world = open::world(args, Some(&config)).await?;
    let region = world.region().clone();
    let mut work = Workflow::new(NEEDS, region, config.clone(), Purpose::Setup, true);
    let never = AtomicBool::new(false);
    observe(world.as_ref(), &mut work, &never, &unheard).await;
    let (view, snapshot) = (work.view(), work.snapshot());
    let problems = config.queues.iter().flat_map(|key| {
        [
            view.peek(&QueueDetails(key.clone())).problem(),
            view.peek(&QueueFleets(key.clone())).problem(),
            view.peek(&FarmDetails(key.farm.clone())).problem(),
        ]
    });
    let unread: Vec<String> = problems
        .flatten()
        .map(|p| format!("{}: {}", p.doing, p.because))
        .collect();
    for why in &unread {
        talk(&format!(
            "note: the policy may lack what follows from it: {why}"
        ));
    }
    let roles = snapshot.roster.all().into_iter().filter_map(|s| match s {
        Subject::Role(arn) => Some(arn),
        _ => None,
    });
    let mut arns: Vec<RoleArn> = roles.filter(|r| role_use(&view, r, of).is_some()).collect();
    if let Some(other) = command.role.iter().find(|r| !arns.contains(r)) {
        let names: Vec<String> = arns.iter().map(ToString::to_string).collect();
        let words = format!(
            "{other} is not a role of that kind in this studio\n  fix   name one of: {}",
            names.join(", ")
        );
        return Err(Failure::Usage(words));
    }
    if !command.role.is_empty() {
        arns.retain(|arn| command.role.contains(arn));
    }
    let arn = match arns.as_slice() {
        [one] => one.clone(),
        [] => match any_role(&view) {
            Some(any) => any,
            None => {
                talk(
                    "the account is not known, so no ARN can be written\n  fix   sign in, then run it again",
                );
                return Ok(Exit::NotChecked);
            }
        },
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let words = format!(
                "several roles of that kind are in use, each with needs of its own\n  fix   add --role with one of {}",
                names.join(", ")
            );
            return Err(Failure::Usage(words));
        }
    };
    let needs: Vec<Need> = choices(&view, &arn)
        .map(|c| c.needs(of))
        .unwrap_or_default();
    let statements: Vec<_> = needs.iter().map(Need::statement).collect();
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    data(&serde_json::to_string_pretty(&document).unwrap_or_default());
    for need in &needs {
        talk(&format!("{}  {}", need.sid, need.because));
    }
    Ok(if unread.is_empty() {
        Exit::Clean
    } else {
        Exit::NotChecked
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{QueueKey, Region};
    use crate::questions::JobRun;

    #[test]
    fn a_probe_and_explain_may_read_all_of_a_job() {
        let queue = QueueKey {
            farm: "farm-00000000000000000000000000000001".parse().unwrap(),
            queue: "queue-00000000000000000000000000000001".parse().unwrap(),
        };
        let job = "job-00000000000000000000000000000001".parse().unwrap();
        let region: Region = "us-west-2".parse().unwrap();
        let scope = Scope {
            region: &region,
            farms: &["farm-00000000000000000000000000000001".to_owned()],
            roles: &[],
            buckets: &[],
            new_role: None,
            path_reads: &[],
            path_writes: &[],
            secret: None,
        };
        let document = policy(For::Probe, &scope).to_string();
        for permission in JobRun(queue, job).permissions() {
            assert!(
                document.contains(&format!("\"{permission}\"")),
                "{permission}"
            );
        }
    }
}
