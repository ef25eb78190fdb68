//! A role's documents, read: its identity policies, and the boundary that fences them in.

use super::fact::Fact;
use super::policy::Policy;
use super::studio::Role;

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
