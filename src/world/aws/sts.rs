//! STS: who am I.

use super::Aws;
use super::caller::What;
use crate::domain::caller::Caller;
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::world::Record;

impl Aws {
    pub async fn look_caller(&self, record: &Record) -> Fact<Caller> {
        let doing = "Could not find out who is signed in";
        let what = What::new("sts", "GetCallerIdentity", "caller", doing);
        let answer = self
            .call(record, what, self.sts.get_caller_identity().send())
            .await;
        answer
            .and_then(|out| {
                let account = out.account().unwrap_or_default();
                let account = account.parse().map_err(|e: crate::domain::ids::NotAnId| {
                    Problem::new(
                        ProblemKind::Invalid,
                        doing,
                        e.0,
                        "check --endpoint-url: is this AWS?",
                    )
                })?;
                Ok(Caller {
                    account,
                    arn: Untrusted::new(out.arn().unwrap_or_default()),
                })
            })
            .into()
    }
}
