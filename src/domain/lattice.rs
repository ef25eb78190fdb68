//! VPC Lattice as far as Deadline Cloud uses it: a resource gateway in the studio's VPC, a resource configuration that names
//! the target, and the share that lets Deadline Cloud use it (field facts C).

use serde::{Deserialize, Serialize};

use super::text::{Printable, Untrusted};

service_words!(
    /// Of a gateway and of a configuration alike.
    LatticeStatus {
        Active = "ACTIVE",
        Creating = "CREATE_IN_PROGRESS",
        Updating = "UPDATE_IN_PROGRESS",
        Deleting = "DELETE_IN_PROGRESS",
        CreateFailed = "CREATE_FAILED",
        UpdateFailed = "UPDATE_FAILED",
        DeleteFailed = "DELETE_FAILED",
    }
);
service_words!(
    /// Where a gateway looks up the name of its target.
    DnsResolution { Public = "PUBLIC", InVpc = "IN_VPC" }
);
service_words!(
    AssociationState {
        Associated = "ASSOCIATED",
        Associating = "ASSOCIATING",
        Failed = "FAILED",
        Disassociating = "DISASSOCIATING",
        Disassociated = "DISASSOCIATED",
        Suspended = "SUSPENDED",
        Suspending = "SUSPENDING",
        Restoring = "RESTORING",
    }
);
service_words!(
    /// What an association of a share is about.
    AssociationKind { Resource = "RESOURCE", Principal = "PRINCIPAL", Source = "SOURCE" }
);

/// The service that a configuration is shared with.
pub const DEADLINE_FLEETS: &str = "fleets.deadline.amazonaws.com";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceGateway {
    pub name: Untrusted,
    pub status: LatticeStatus,
    pub vpc: Untrusted,
    pub subnets: Vec<Untrusted>,
    pub security_groups: Vec<Untrusted>,
    pub dns: DnsResolution,
}

/// What a configuration leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Address(Untrusted),
    Name(Untrusted),
    /// An ARN, a group, a range of addresses.
    Other(Untrusted),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceConfiguration {
    pub arn: Untrusted,
    pub name: Untrusted,
    pub status: LatticeStatus,
    pub failure: Option<Untrusted>,
    /// SINGLE, GROUP, CHILD, ARN or CIDR.
    pub kind: Untrusted,
    pub protocol: Option<Untrusted>,
    /// As the service has them: `443`, `5000-5010`.
    pub ports: Vec<Untrusted>,
    pub gateway: Option<Untrusted>,
    pub target: Target,
    /// `allowAssociationToShareableServiceNetwork`.
    pub shareable: bool,
}

impl ResourceConfiguration {
    pub fn carries(&self, port: u16) -> bool {
        self.ports.iter().any(|range| {
            let (first, last) = range
                .raw()
                .split_once('-')
                .unwrap_or((range.raw(), range.raw()));
            let number = |text: &str| text.trim().parse::<u16>().ok();
            matches!((number(first), number(last)), (Some(f), Some(l)) if (f..=l).contains(&port))
        })
    }

    /// Its ports, as people read them.
    pub fn ports(&self) -> String {
        let all = self.ports.iter().map(|p| p.show().to_string());
        all.collect::<Vec<_>>().join(", ")
    }
}

/// One share of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub name: Untrusted,
    pub arn: Untrusted,
    /// PENDING, ACTIVE, FAILED, DELETING, DELETED.
    pub status: Untrusted,
    /// `allowExternalPrincipals`.
    #[serde(default)]
    pub external: bool,
    pub associations: Vec<ShareAssociation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareAssociation {
    pub kind: AssociationKind,
    pub entity: Untrusted,
    pub state: AssociationState,
    pub message: Option<Untrusted>,
}

impl Share {
    pub fn is_with_deadline(&self) -> bool {
        let mut all = self.associations.iter();
        all.any(|a| a.kind == AssociationKind::Principal && a.entity.raw() == DEADLINE_FLEETS)
    }

    /// Not counting what was taken out of it.
    pub fn has_deadline_now(&self) -> bool {
        let mut all = self.associations.iter();
        all.any(|a| {
            a.kind == AssociationKind::Principal
                && a.entity.raw() == DEADLINE_FLEETS
                && !a.is_gone()
        })
    }

    /// Of what concerns a configuration and Deadline Cloud: what is not associated now. What was taken out is listed for a
    /// while, also where it was put in again.
    pub fn open(&self, configuration: &str) -> Option<&ShareAssociation> {
        let concerns = |a: &&ShareAssociation| match a.kind {
            AssociationKind::Resource => a.entity.raw() == configuration,
            AssociationKind::Principal => a.entity.raw() == DEADLINE_FLEETS,
            // One source in force is enough, whatever became of another.
            AssociationKind::Source => !a.is_gone() && !self.has_source_in_force(),
            AssociationKind::Unknown(_) => false,
        };
        let is_in = |a: &ShareAssociation| {
            let mut same = self.associations.iter();
            same.any(|o| {
                o.kind == a.kind && o.entity == a.entity && o.state == AssociationState::Associated
            })
        };
        let mut all = self.associations.iter().filter(concerns);
        all.find(|a| !is_in(a))
    }

    fn has_source_in_force(&self) -> bool {
        let mut all = self.associations.iter();
        all.any(|a| a.kind == AssociationKind::Source && a.state == AssociationState::Associated)
    }

    /// Has it a source, as which alone the service may use it?
    pub fn has_source(&self) -> bool {
        let mut all = self.associations.iter();
        all.any(|a| a.kind == AssociationKind::Source && !a.is_gone())
    }

    pub fn is_active(&self) -> bool {
        self.status.raw() == "ACTIVE"
    }
}

impl ShareAssociation {
    pub fn is_gone(&self) -> bool {
        matches!(
            self.state,
            AssociationState::Disassociated | AssociationState::Disassociating
        )
    }

    /// Neither taken out nor without force. A state of a later version of the service may be either, and is left alone.
    pub fn is_in_force(&self) -> bool {
        !self.is_gone()
            && !matches!(
                self.state,
                AssociationState::Suspended
                    | AssociationState::Suspending
                    | AssociationState::Failed
            )
    }

    /// On its way to ASSOCIATED.
    pub fn is_coming(&self) -> bool {
        matches!(
            self.state,
            AssociationState::Associating | AssociationState::Restoring
        )
    }

    /// With what it is, its state, and what the service says of it.
    pub fn words(&self) -> String {
        let kind = self.kind.word().as_str().to_lowercase();
        let message = self.message.as_ref();
        let more = message.map_or_else(String::new, |m| format!(": {}", m.long()));
        format!(
            "its association with the {kind} is {}{more}",
            self.state.word()
        )
    }
}

/// The id at the end of a configuration's ARN, or the id itself.
pub fn configuration_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_and_ranges() {
        let of = |ports: &[&str]| ResourceConfiguration {
            arn: Untrusted::new(""),
            name: Untrusted::new("ayon"),
            status: LatticeStatus::Active,
            failure: None,
            kind: Untrusted::new("SINGLE"),
            protocol: None,
            ports: ports.iter().map(|p| Untrusted::new(*p)).collect(),
            gateway: None,
            target: Target::Address(Untrusted::new("10.0.0.1")),
            shareable: true,
        };
        assert!(of(&["443"]).carries(443) && !of(&["443"]).carries(80));
        assert!(of(&["80", "5000-5010"]).carries(5005));
        assert!(!of(&["", "a-b", "9-1"]).carries(5));
    }
}
