//! What the studio in memory answers to a question, and the call that AWS or AYON would answer it with.

use super::{SandboxEnvironment, Truth, addon, jobs, network, roles};
use crate::domain::ayon::Projects;
use crate::domain::caller::{NEW_ROLE_ACTIONS, SETUP_ACTIONS, SimulatedPermissions};
use crate::domain::fact::Fact;
use crate::domain::farm::{Farm, Fleet, Listed};
use crate::domain::role::PolicyText;
use crate::domain::text::Untrusted;
use crate::domain::vpc_dns;
use crate::questions::{AnyAnswer, AnyQuestion};

fn fact<T>(value: Option<T>) -> Fact<T> {
    value.map_or(Fact::Absent, Fact::Known)
}

#[allow(clippy::too_many_lines)] // an arm for each question
pub(super) fn answer(truth: &Truth, question: &AnyQuestion) -> AnyAnswer {
    use AnyAnswer as A;
    let role = |arn| truth.roles.get(arn);
    match question {
        AnyQuestion::CallerIdentity(_) => A::CallerIdentity(Fact::Known(truth.caller.clone())),
        AnyQuestion::CallerPermissions(_) => {
            let all = [SETUP_ACTIONS, NEW_ROLE_ACTIONS].concat();
            let all = all.iter().map(|a| (*a).to_owned());
            let (refused, allowed) = all.partition(|a| truth.denies(a));
            A::CallerPermissions(Fact::Known(SimulatedPermissions { allowed, refused }))
        }
        AnyQuestion::FarmList(_) => {
            let farms = truth.farms.iter().map(|f| Listed {
                id: f.id.to_string(),
                name: f.name.clone(),
            });
            A::FarmList(Fact::Known(farms.collect()))
        }
        AnyQuestion::QueueList(q) => {
            let known = truth.farms.iter().any(|f| f.id == q.0);
            let queues = truth.queue_order.iter().filter(|k| k.farm == q.0);
            let row = |key: &crate::domain::ids::QueueKey| {
                let name = truth.queues.get(key)?.queue.name.clone();
                let id = key.queue.to_string();
                Some(Listed { id, name })
            };
            A::QueueList(fact(known.then(|| queues.filter_map(row).collect())))
        }
        AnyQuestion::FarmDetails(q) => {
            let farm = truth.farms.iter().find(|f| f.id == q.0);
            A::FarmDetails(fact(farm.map(|f| Farm {
                id: f.id.clone(),
                name: f.name.clone(),
                key: f.key.clone(),
            })))
        }
        AnyQuestion::QueueDetails(q) => {
            A::QueueDetails(fact(truth.queues.get(&q.0).map(|q| q.queue.clone())))
        }
        AnyQuestion::QueueFleets(q) => {
            A::QueueFleets(fact(truth.queues.get(&q.0).map(|q| q.fleets.clone())))
        }
        AnyQuestion::FleetDetails(q) => {
            let script = truth.host_scripts.get(&q.0.fleet.to_string());
            let fleet = truth.fleets.get(&q.0).cloned().map(|fleet| Fleet {
                host_script: script.map(Untrusted::new),
                ..fleet
            });
            A::FleetDetails(fact(fleet))
        }
        AnyQuestion::QueueEnvironments(q) => {
            let queue = truth.queues.get(&q.0);
            let texts = queue.map(|q| q.environments.iter().map(|e| Fact::Known(e.answer())));
            A::QueueEnvironments(fact(texts.map(Iterator::collect)))
        }
        AnyQuestion::EnvironmentText(q) => {
            let all = truth.queues.get(&q.0).into_iter();
            let mut all = all.flat_map(|queue| &queue.environments);
            A::EnvironmentText(fact(
                all.find(|e| e.id == q.1).map(SandboxEnvironment::answer),
            ))
        }
        AnyQuestion::RoleDocuments(q) => A::RoleDocuments(fact(role(&q.0).map(|r| r.answer(&q.0)))),
        AnyQuestion::RolePolicy(q) => {
            let text = role(&q.0).and_then(|r| r.inline.get(&q.1).cloned());
            A::RolePolicy(fact(text.map(PolicyText::new)))
        }
        AnyQuestion::RoleTrust(q) => {
            let text = role(&q.0).map(|r| r.trust.clone());
            A::RoleTrust(fact(text.map(PolicyText::new)))
        }
        AnyQuestion::RoleSimulation(q) => A::RoleSimulation(roles::simulate(truth, &q.0, &q.1)),
        AnyQuestion::ManagedPolicy(q) => {
            let text = truth.boundaries.get(&q.0).cloned();
            A::ManagedPolicy(fact(text.map(PolicyText::new)))
        }
        // It says so rather than finding no fault.
        AnyQuestion::PolicyValidation(_) => {
            A::PolicyValidation(Fact::declined("the sandbox has no Access Analyzer"))
        }
        AnyQuestion::NodeDetails(q) => A::NodeDetails(fact(truth.nodes.get(&q.0).cloned())),
        AnyQuestion::SessionSettings(_) => {
            A::SessionSettings(Fact::Known(truth.session_preferences.clone()))
        }
        AnyQuestion::LatticeConfiguration(q) => {
            A::LatticeConfiguration(fact(truth.lattice.configurations.get(&q.0).cloned()))
        }
        AnyQuestion::LatticeGateway(q) => {
            A::LatticeGateway(fact(truth.lattice.gateways.get(&q.0).cloned()))
        }
        AnyQuestion::LatticeShares(q) => {
            let id = crate::domain::lattice::configuration_id(&q.0);
            let shares = truth.lattice.shares.get(id).cloned();
            A::LatticeShares(Fact::Known(shares.unwrap_or_default()))
        }
        AnyQuestion::LatticeQuota(_) => A::LatticeQuota(Fact::Known(1)),
        AnyQuestion::VpcName(q) => {
            A::VpcName(Fact::Known(network::name_in_vpc(truth, &q.vpc, &q.name)))
        }
        AnyQuestion::DnsProfiles(q) => {
            let profiles = truth.network.dns_profiles.get(&q.0).cloned();
            A::DnsProfiles(Fact::Known(profiles.unwrap_or_default()))
        }
        AnyQuestion::ResolverEndpoint(q) => {
            A::ResolverEndpoint(fact(truth.network.endpoints.get(&q.0).cloned()))
        }
        AnyQuestion::ZoneRecord(q) => {
            let records = truth.network.records.get(&q.zone);
            A::ZoneRecord(fact(records.map(|all| {
                let mut all = all.iter();
                all.any(|r| vpc_dns::answers(r, &q.name))
            })))
        }
        AnyQuestion::VpcNetwork(q) => A::VpcNetwork(fact(truth.network.vpcs.get(&q.0).cloned())),
        AnyQuestion::AddressOwner(q) => {
            A::AddressOwner(fact(truth.network.addresses.get(&q.0).cloned()))
        }
        AnyQuestion::VpnConnections(_) => {
            A::VpnConnections(Fact::Known(truth.network.vpns.clone()))
        }
        AnyQuestion::TransitPath(q) => {
            A::TransitPath(fact(truth.network.transit.get(&q.gateway).cloned()))
        }
        AnyQuestion::FleetSettings(q) => A::FleetSettings(fact(
            truth
                .fleets
                .get(&q.0)
                .map(|f| network::settings(truth, &q.0, f)),
        )),
        AnyQuestion::LatticeConfigurations(_) => {
            let all = truth.lattice.configurations.clone().into_iter();
            A::LatticeConfigurations(Fact::Known(all.collect()))
        }
        AnyQuestion::LatticeGateways(_) => {
            let all = truth.lattice.gateways.clone().into_iter();
            A::LatticeGateways(Fact::Known(all.collect()))
        }
        AnyQuestion::NamedShares(q) => {
            let all = truth.lattice.shares.values().flatten();
            let own = all.filter(|s| s.name.raw() == q.0).cloned();
            A::NamedShares(Fact::Known(own.collect()))
        }
        AnyQuestion::StorageProfile(q) => {
            A::StorageProfile(fact(truth.storage_profiles.get(&q.1).cloned()))
        }
        AnyQuestion::SecretDetails(q) => A::SecretDetails(fact(truth.secret(&q.0).cloned())),
        AnyQuestion::AyonBundles(_) => A::AyonBundles(Fact::Known(truth.ayon.bundles.clone())),
        AnyQuestion::DevAddon(q) => A::DevAddon(fact(truth.ayon.dev_addon.get(&q.bundle).cloned())),
        AnyQuestion::ProjectAddon(q) => {
            A::ProjectAddon(fact(addon::settings(truth, &q.at()).cloned()))
        }
        AnyQuestion::AyonDesktop(_) => A::AyonDesktop(Fact::Known(truth.ayon.desktop.clone())),
        AnyQuestion::AyonProjects(_) => A::AyonProjects(Fact::Known(Projects {
            read: truth.ayon.projects.clone(),
            more: 0,
        })),
        AnyQuestion::AddonSettings(q) => {
            A::AddonSettings(fact(addon::settings(truth, &q.at()).cloned()))
        }
        AnyQuestion::ProbeJobs(q) => {
            let own = truth
                .probes
                .get(&q.1)
                .and_then(|id| Some((id.clone(), truth.jobs.get(id)?.status)));
            A::ProbeJobs(Fact::Known(own.into_iter().collect()))
        }
        // Nothing in memory has workers of its own.
        AnyQuestion::FleetWorkers(_) => A::FleetWorkers(Fact::Known(Vec::new())),
        AnyQuestion::LastProbes(q) => A::LastProbes(Fact::Known(jobs::last_probes(truth, &q.0))),
        AnyQuestion::JobState(q) => A::JobState(fact(truth.jobs.get(&q.1).map(|j| j.status))),
        AnyQuestion::JobRun(q) => A::JobRun(fact(truth.jobs.get(&q.1).cloned())),
        AnyQuestion::AyonUserKeys(q) => A::AyonUserKeys(fact(truth.ayon.users.get(&q.1).cloned())),
        AnyQuestion::AddonOwn(q) => A::AddonOwn(fact(addon::own(truth, &q.0))),
    }
}

pub(super) fn operation(question: &AnyQuestion) -> (&'static str, &'static str) {
    match question {
        AnyQuestion::CallerIdentity(_) => ("sts", "GetCallerIdentity"),
        AnyQuestion::CallerPermissions(_) | AnyQuestion::RoleSimulation(_) => {
            ("iam", "SimulatePrincipalPolicy")
        }
        AnyQuestion::FarmList(_) => ("deadline", "ListFarms"),
        AnyQuestion::QueueList(_) => ("deadline", "ListQueues"),
        AnyQuestion::FarmDetails(_) => ("deadline", "GetFarm"),
        AnyQuestion::QueueDetails(_) => ("deadline", "GetQueue"),
        AnyQuestion::QueueFleets(_) => ("deadline", "ListQueueFleetAssociations"),
        AnyQuestion::FleetDetails(_) => ("deadline", "GetFleet"),
        AnyQuestion::QueueEnvironments(_) => ("deadline", "ListQueueEnvironments"),
        AnyQuestion::EnvironmentText(_) => ("deadline", "GetQueueEnvironment"),
        AnyQuestion::RoleDocuments(_) | AnyQuestion::RoleTrust(_) => ("iam", "GetRole"),
        AnyQuestion::RolePolicy(_) => ("iam", "GetRolePolicy"),
        AnyQuestion::ManagedPolicy(_) => ("iam", "GetPolicyVersion"),
        AnyQuestion::PolicyValidation(_) => ("access-analyzer", "ValidatePolicy"),
        AnyQuestion::NodeDetails(_) => ("ssm", "DescribeInstanceInformation"),
        AnyQuestion::SessionSettings(_) => ("ssm", "GetDocument"),
        AnyQuestion::LatticeConfiguration(_) => ("vpc-lattice", "GetResourceConfiguration"),
        AnyQuestion::LatticeGateway(_) => ("vpc-lattice", "GetResourceGateway"),
        AnyQuestion::LatticeShares(_) => ("ram", "GetResourceShareAssociations"),
        AnyQuestion::LatticeQuota(_) => ("servicequotas", "GetServiceQuota"),
        AnyQuestion::VpcName(_) => ("route53resolver", "ListResolverRuleAssociations"),
        AnyQuestion::DnsProfiles(_) => ("route53profiles", "ListProfileAssociations"),
        AnyQuestion::ResolverEndpoint(_) => ("route53resolver", "GetResolverEndpoint"),
        AnyQuestion::ZoneRecord(_) => ("route53", "ListResourceRecordSets"),
        AnyQuestion::VpcNetwork(_) => ("ec2", "DescribeRouteTables"),
        AnyQuestion::AddressOwner(_) => ("ec2", "DescribeNetworkInterfaces"),
        AnyQuestion::VpnConnections(_) => ("ec2", "DescribeVpnConnections"),
        AnyQuestion::TransitPath(_) => ("ec2", "SearchTransitGatewayRoutes"),
        AnyQuestion::FleetSettings(_) => ("deadline", "GetFleet"),
        AnyQuestion::StorageProfile(_) => ("deadline", "GetStorageProfile"),
        AnyQuestion::FleetWorkers(_) => ("deadline", "ListWorkers"),
        AnyQuestion::LatticeConfigurations(_) => ("vpc-lattice", "ListResourceConfigurations"),
        AnyQuestion::LatticeGateways(_) => ("vpc-lattice", "ListResourceGateways"),
        AnyQuestion::NamedShares(_) => ("ram", "GetResourceShares"),
        AnyQuestion::SecretDetails(_) => ("secretsmanager", "DescribeSecret"),
        AnyQuestion::AyonBundles(_) => ("ayon", "GET api/bundles"),
        AnyQuestion::AyonDesktop(_) => ("ayon", "GET api/desktop"),
        AnyQuestion::AyonProjects(_) => ("ayon", "GET api/projects"),
        AnyQuestion::ProbeJobs(_) | AnyQuestion::LastProbes(_) => ("deadline", "SearchJobs"),
        AnyQuestion::JobRun(_) | AnyQuestion::JobState(_) => ("deadline", "GetJob"),
        AnyQuestion::AyonUserKeys(_) => ("ayon", "GET api/users"),
        AnyQuestion::AddonSettings(_)
        | AnyQuestion::AddonOwn(_)
        | AnyQuestion::DevAddon(_)
        | AnyQuestion::ProjectAddon(_) => ("ayon", "GET api/addons/deadline_cloud"),
    }
}
