//! What the steps of a job ask of a worker, and what a fleet offers: why no fleet takes a job that is NOT_COMPATIBLE.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::text::{Printable, Untrusted};

/// `attr.…`: any of these values, or all of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeNeed {
    pub name: Untrusted,
    pub any_of: Vec<Untrusted>,
    pub all_of: Vec<Untrusted>,
}

/// `amount.…`: at least, and at most.
#[derive(Debug, Clone, PartialEq)]
pub struct AmountNeed {
    pub name: Untrusted,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepNeeds {
    pub step: Untrusted,
    pub attributes: Vec<AttributeNeed>,
    pub amounts: Vec<AmountNeed>,
}

/// What workers of a fleet have. What is not in it was not said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Offer {
    pub fleet: Untrusted,
    pub attributes: BTreeMap<String, Vec<Untrusted>>,
    /// At least and at most, as a fleet's workers may differ.
    pub amounts: BTreeMap<String, (Option<f64>, Option<f64>)>,
}

/// What a fleet lacks for a step; nothing: all that could be compared is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmet {
    pub step: Untrusted,
    pub fleet: Untrusted,
    pub lacks: Vec<Printable>,
}

impl Unmet {
    pub fn words(&self) -> String {
        let (step, fleet) = (self.step.show(), self.fleet.show());
        if self.lacks.is_empty() {
            return format!("step {step}: fleet {fleet} has what was compared");
        }
        let lacks: Vec<&str> = self.lacks.iter().map(Printable::as_str).collect();
        format!("step {step}: fleet {fleet} {}", lacks.join("; "))
    }
}

/// A fleet need not declare what every worker has.
fn is_builtin(name: &Untrusted) -> bool {
    let name = name.raw().to_ascii_lowercase();
    name.starts_with("attr.worker.") || name.starts_with("amount.worker.")
}

fn is_same(one: &Untrusted, other: &Untrusted) -> bool {
    one.raw().eq_ignore_ascii_case(other.raw())
}

fn list(values: &[Untrusted]) -> String {
    let all: Vec<String> = values.iter().map(|v| v.show().to_string()).collect();
    all.join(", ")
}

impl StepNeeds {
    pub fn unmet(&self, offer: &Offer) -> Unmet {
        let attributes = self.attributes.iter().filter_map(|need| {
            let name = need.name.show();
            let nothing = Vec::new();
            let has = offer.attributes.get(&need.name.raw().to_ascii_lowercase());
            if has.is_none() && is_builtin(&need.name) {
                return None; // the service knows it, and this does not
            }
            let there = has.unwrap_or(&nothing);
            let holds = |value: &Untrusted| there.iter().any(|t| is_same(t, value));
            let any = need.any_of.is_empty() || need.any_of.iter().any(holds);
            let missing: Vec<Untrusted> = need
                .all_of
                .iter()
                .filter(|value| !holds(value))
                .cloned()
                .collect();
            if any && missing.is_empty() {
                return None;
            }
            let asked = if any { missing } else { need.any_of.clone() };
            let offers = match has {
                Some(values) if !values.is_empty() => format!("offers {}", list(values)),
                _ => "declares none".to_owned(),
            };
            Some(format!("{offers}, and {name} = {} is asked for", list(&asked)).into())
        });
        let amounts = self.amounts.iter().filter_map(|need| {
            let name = need.name.show();
            let Some((least, most)) = offer.amounts.get(&need.name.raw().to_ascii_lowercase())
            else {
                if is_builtin(&need.name) {
                    return None;
                }
                return Some(format!("declares no {name}, and one is asked for").into());
            };
            if let (Some(min), Some(most)) = (need.min, *most)
                && min > most
            {
                let line = format!("has at most {most} of {name}, and at least {min} is asked for");
                return Some(line.into());
            }
            if let (Some(max), Some(least)) = (need.max, *least)
                && max < least
            {
                let line =
                    format!("has at least {least} of {name}, and at most {max} is asked for");
                return Some(line.into());
            }
            None
        });
        Unmet {
            step: self.step.clone(),
            fleet: offer.fleet.clone(),
            lacks: attributes.chain(amounts).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Vec<Untrusted> {
        all.iter().map(|t| Untrusted::new(*t)).collect()
    }

    #[test]
    fn what_a_fleet_lacks_is_named_by_attribute_and_amount() {
        let need = |name: &str, any: &[&str], all: &[&str]| AttributeNeed {
            name: Untrusted::new(name),
            any_of: texts(any),
            all_of: texts(all),
        };
        let step = StepNeeds {
            step: Untrusted::new("Publish"),
            attributes: vec![
                need("attr.role", &["publish"], &[]),
                need("attr.worker.os.family", &["linux"], &[]),
                need("attr.software", &[], &["nuke", "houdini"]),
            ],
            amounts: vec![
                AmountNeed {
                    name: Untrusted::new("amount.worker.vcpu"),
                    min: Some(64.0),
                    max: None,
                },
                AmountNeed {
                    name: Untrusted::new("amount.worker.memory"),
                    min: Some(4096.0),
                    max: None,
                },
            ],
        };
        let mut offer = Offer {
            fleet: Untrusted::new("Render"),
            attributes: BTreeMap::from([
                ("attr.role".to_owned(), texts(&["render"])),
                ("attr.worker.os.family".to_owned(), texts(&["LINUX"])),
                ("attr.software".to_owned(), texts(&["nuke"])),
            ]),
            amounts: BTreeMap::from([
                ("amount.worker.vcpu".to_owned(), (Some(4.0), Some(16.0))),
                ("amount.worker.memory".to_owned(), (Some(8192.0), None)),
            ]),
        };
        assert_eq!(
            step.unmet(&offer).words(),
            "step Publish: fleet Render offers render, and attr.role = publish is asked for; offers nuke, and \
             attr.software = houdini is asked for; has at most 16 of amount.worker.vcpu, and at least 64 is asked for"
        );
        offer
            .attributes
            .insert("attr.role".to_owned(), texts(&["publish", "render"]));
        offer.attributes.remove("attr.software");
        offer
            .amounts
            .insert("amount.worker.vcpu".to_owned(), (Some(4.0), None));
        assert_eq!(
            step.unmet(&offer)
                .lacks
                .iter()
                .map(Printable::as_str)
                .collect::<Vec<_>>(),
            ["declares none, and attr.software = nuke, houdini is asked for"]
        );
    }
}
