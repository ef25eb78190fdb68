//! Who answers for a name in a VPC: the rules of Route 53 Resolver and the private hosted zones that belong to the VPC. The most
//! specific domain decides; of a rule and a zone of the same domain, the rule (AWS's developer guide of Route 53).

use serde::{Deserialize, Serialize};

use super::text::{Printable, Untrusted};

service_words!(
    RuleKind { Forward = "FORWARD", System = "SYSTEM", Recursive = "RECURSIVE", Delegate = "DELEGATE" }
);
service_words!(
    /// Of a rule and of its association with a VPC alike.
    RuleState {
        Complete = "COMPLETE",
        Creating = "CREATING",
        Updating = "UPDATING",
        Deleting = "DELETING",
        Failed = "FAILED",
        Overridden = "OVERRIDDEN",
    }
);
service_words!(
    EndpointState {
        Operational = "OPERATIONAL",
        Creating = "CREATING",
        Updating = "UPDATING",
        Recovering = "AUTO_RECOVERING",
        ActionNeeded = "ACTION_NEEDED",
        Deleting = "DELETING",
    }
);

/// What in one VPC covers one name, by itself: what Route 53 Profiles bring is not in these lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameInVpc {
    #[serde(default)]
    pub rules: Vec<NameRule>,
    #[serde(default)]
    pub zones: Vec<PrivateZone>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRule {
    pub id: Untrusted,
    pub domain: Untrusted,
    pub kind: RuleKind,
    pub state: RuleState,
    pub association: RuleState,
    /// The name servers that it forwards to.
    #[serde(default)]
    pub servers: Vec<Untrusted>,
    /// The outbound endpoint that it forwards by.
    #[serde(default)]
    pub endpoint: Option<Untrusted>,
    /// Another account shares it: its endpoint is not this account's to read.
    #[serde(default)]
    pub shared: bool,
    /// What the service says of what is wrong with it.
    #[serde(default)]
    pub said: Option<Untrusted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateZone {
    pub id: Untrusted,
    pub domain: Untrusted,
}

/// How an outbound endpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundEndpoint {
    pub state: EndpointState,
    /// What the service says of it.
    #[serde(default)]
    pub said: Option<Untrusted>,
}

/// What decides about a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Decides<'a> {
    Rule(&'a NameRule),
    Zone(&'a PrivateZone),
    /// Nothing of the VPC's own: public DNS is asked.
    Public,
}

impl NameInVpc {
    pub fn decides(&self) -> Decides<'_> {
        let rules = self.rules.iter();
        let rule = rules.max_by_key(|r| labels(r.domain.raw()));
        let zone = self.zones.iter().max_by_key(|z| labels(z.domain.raw()));
        let forwards = rule.filter(|r| match zone {
            Some(zone) => labels(r.domain.raw()) >= labels(zone.domain.raw()),
            None => true,
        });
        match (forwards, zone) {
            // A system rule says that Resolver itself answers: from a zone, else from public DNS.
            (Some(r), zone) if matches!(r.kind, RuleKind::System | RuleKind::Recursive) => {
                zone.map_or(Decides::Public, Decides::Zone)
            }
            (Some(r), _) => Decides::Rule(r),
            (None, Some(zone)) => Decides::Zone(zone),
            (None, None) => Decides::Public,
        }
    }
}

impl Decides<'_> {
    /// Is it for this very name, so that nothing can be more specific?
    pub fn is_of(&self, name: &str) -> bool {
        match self {
            Self::Rule(rule) => plain(rule.domain.raw()) == plain(name),
            Self::Zone(zone) => plain(zone.domain.raw()) == plain(name),
            Self::Public => false,
        }
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// More labels, more specific; `.` has none.
fn labels(domain: &str) -> usize {
    plain(domain).split('.').filter(|l| !l.is_empty()).count()
}

/// Is that name of the domain, or below it?
pub fn covers(domain: &str, name: &str) -> bool {
    let (domain, name) = (plain(domain), plain(name));
    domain.is_empty()
        || name
            .strip_suffix(&domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Does a record of that name answer for it, itself or as a wildcard? Route 53 writes `*` as `\052`.
pub fn answers(record: &str, name: &str) -> bool {
    let record = plain(record).replace("\\052", "*");
    match record.strip_prefix("*.") {
        Some(above) => covers(above, name) && plain(above) != plain(name),
        None => record == plain(name),
    }
}

/// Endings of names that no public resolver knows.
const PRIVATE_ENDINGS: [&str; 7] = [
    ".lan",
    ".local",
    ".internal",
    ".intern",
    ".home.arpa",
    ".corp",
    ".home",
];

/// Does only a private resolver know such a name? A single word, or an ending that is not in public DNS.
pub fn is_private_name(name: &str) -> bool {
    let name = plain(name);
    !name.contains('.') || PRIVATE_ENDINGS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(domain: &str, kind: RuleKind) -> NameRule {
        NameRule {
            id: Untrusted::new(format!("rslvr-rr-{domain}")),
            domain: Untrusted::new(domain),
            kind,
            state: RuleState::Complete,
            association: RuleState::Complete,
            servers: Vec::new(),
            endpoint: None,
            shared: false,
            said: None,
        }
    }

    fn zone(domain: &str) -> PrivateZone {
        PrivateZone {
            id: Untrusted::new("Z1"),
            domain: Untrusted::new(domain),
        }
    }

    /// After the pages "How Resolver determines whether the domain name in a query matches any rules" and "Considerations
    /// when working with a private hosted zone".
    #[test]
    fn the_most_specific_decides_and_a_rule_before_a_zone() {
        use RuleKind::{Forward, Recursive, System};
        let every = |rules: &[(&str, RuleKind)], zones: &[&str]| {
            let it = NameInVpc {
                rules: rules.iter().map(|(d, k)| rule(d, k.clone())).collect(),
                zones: zones.iter().map(|d| zone(d)).collect(),
            };
            match it.decides() {
                Decides::Rule(r) => format!("rule {}", r.domain.raw()),
                Decides::Zone(z) => format!("zone {}", z.domain.raw()),
                Decides::Public => "public".to_owned(),
            }
        };
        assert_eq!(every(&[], &[]), "public");
        assert_eq!(
            every(&[(".", Recursive), ("studio.lan.", Forward)], &[]),
            "rule studio.lan."
        );
        assert_eq!(
            every(&[("studio.lan.", Forward)], &["studio.lan."]),
            "rule studio.lan."
        );
        assert_eq!(
            every(&[("lan.", Forward)], &["studio.lan."]),
            "zone studio.lan."
        );
        assert_eq!(
            every(&[("lan.", Forward), ("studio.lan.", System)], &[]),
            "public"
        );
        assert_eq!(every(&[(".", Recursive)], &["lan."]), "zone lan.");
        assert_eq!(every(&[(".", Forward)], &[]), "rule .");
    }

    #[test]
    fn a_domain_covers_whole_labels_only() {
        assert!(covers("studio.lan.", "AYON.studio.lan"));
        assert!(covers("studio.lan", "studio.lan."));
        assert!(!covers("studio.lan.", "ayonstudio.lan"));
        assert!(covers(".", "ayon.example.com"));
        assert!(answers("\\052.studio.lan.", "ayon.studio.lan"));
        assert!(!answers("\\052.studio.lan.", "studio.lan"));
        assert!(answers("ayon.studio.lan.", "ayon.studio.lan"));
        assert!(!answers("www.studio.lan.", "ayon.studio.lan"));
    }
}
