//! A role's documents, read: its identity policies, and the boundary that fences them in.

use super::fact::Fact;
use super::needs::{Need, barred, widened};
use super::policy::{NotAPolicy, Policy};
use super::studio::Role;

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

/// Our policy for these needs beside these documents. `ours` is its name and its text where it is there.
pub fn proposal(
    needs: &[Need],
    policies: &[(String, Policy)],
    fence: Option<&Policy>,
    ours: (&str, Option<&str>),
) -> Proposal {
    let all: Vec<Policy> = policies.iter().map(|(_, p)| p.clone()).collect();
    let barred = barred(needs, &all, fence);
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
    let others = policies.iter().filter(|(n, _)| n != name);
    let others: Vec<Policy> = others.map(|(_, p)| p.clone()).collect();
    // No right is written that can't take effect, nor one for a channel that every job would stop at.
    let after = if bars.channels.is_empty() {
        widened(&free, &others, text)
    } else {
        Ok(None)
    };
    Proposal { free, bars, after }
}

impl Role {
    /// The identity policies that could be read and parsed, by name, and why some could not.
    pub fn policies(&self) -> (Vec<(String, Policy)>, Vec<String>) {
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        if let Some(problem) = self.lists.problem() {
            unread.push(problem.because.clone());
        }
        for (name, fact) in self.inline.iter().chain(&self.attached) {
            match fact {
                Fact::Known(text) => match Policy::parse(text) {
                    Ok(policy) => read.push((name.clone(), policy)),
                    Err(e) => unread.push(format!("policy {name}: {e}")),
                },
                other => unread.push(format!(
                    "policy {name}: {}",
                    other.problem().map_or("not read", |p| p.because.as_str())
                )),
            }
        }
        (read, unread)
    }

    /// The permissions boundary, where there is one; `Err`: there is one that could not be read.
    pub fn fence(&self) -> Result<Option<Policy>, String> {
        let Some(arn) = &self.boundary else {
            return Ok(None);
        };
        let unread = |why: &str| format!("its permissions boundary {}: {why}", arn.show());
        match &self.fence {
            Fact::Known(text) => Policy::parse(text)
                .map(Some)
                .map_err(|e| unread(&e.to_string())),
            other => Err(unread(
                other.problem().map_or("not read", |p| p.because.as_str()),
            )),
        }
    }
}
