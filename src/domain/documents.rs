//! What our policy on a role should say, given the role's other documents and its permissions boundary.

use super::needs::{Need, barred, widened};
use super::policy::{NotAPolicy, Policy};

/// What our policy on a role comes to.
pub struct Proposal {
    /// The needs that it can meet: what stands in the way of the others no policy of ours removes.
    pub free: Vec<Need>,
    /// What stands in the way: of a channel, and of anything else.
    pub bars: Bars,
    /// The new text; `None`: nothing is missing.
    pub after: Result<Option<String>, NotAPolicy>,
}

#[derive(Default)]
pub struct Bars {
    pub channels: Vec<String>,
    pub others: Vec<String>,
}

/// Our policy for these needs together with these documents. `ours` is its name and its text where it is there.
pub fn proposal(
    needs: &[Need],
    policies: &[(&str, &Policy)],
    boundary: Option<&Policy>,
    ours: (&str, Option<&str>),
) -> Proposal {
    let all: Vec<&Policy> = policies.iter().map(|(_, p)| *p).collect();
    let barred = barred(needs, &all, boundary);
    let free = needs.iter().filter(|n| !barred.iter().any(|(b, _)| b == n));
    let free: Vec<Need> = free.cloned().collect();
    let mut bars = Bars::default();
    for (need, words) in barred {
        let list = if need.is_of_channels() {
            &mut bars.channels
        } else {
            &mut bars.others
        };
        list.push(words);
    }
    let (name, text) = ours;
    let others = policies.iter().filter(|(n, _)| *n != name);
    let others: Vec<&Policy> = others.map(|(_, p)| *p).collect();
    // No right is written that can't take effect, nor one for a channel that every job would stop at.
    let after = if bars.channels.is_empty() {
        widened(&free, &others, text)
    } else {
        Ok(None)
    };
    Proposal { free, bars, after }
}
