//! Access Analyzer: a policy read before it is written.

use aws_sdk_accessanalyzer::types::{
    Access, AccessCheckPolicyType, CheckAccessNotGrantedResult, PolicyType,
    ValidatePolicyFindingType,
};
use futures_util::future::join;

use super::Aws;
use super::caller::What;
use crate::domain::fact::Fact;
use crate::domain::lint::{Flaw, Lint, Weight};
use crate::domain::permission::PermissionRequest;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::world::Record;

const SERVICE: &str = "access-analyzer";

impl Aws {
    pub async fn look_validation(
        &self,
        record: &Record,
        text: &str,
        more: &[PermissionRequest],
    ) -> Fact<Lint> {
        let (flaws, grants_more) = join(
            self.flaws(record, text),
            self.grants_any(record, text, more),
        )
        .await;
        let lint = || {
            Ok(Lint {
                flaws: flaws?,
                grants_more: grants_more?,
            })
        };
        lint().into()
    }

    async fn flaws(&self, record: &Record, text: &str) -> Result<Vec<Flaw>, Problem> {
        let doing = "Could not have the policy read by Access Analyzer";
        let what = What::new(SERVICE, "ValidatePolicy", "the policy", doing);
        let request = self
            .analyzer
            .validate_policy()
            .policy_document(text)
            .policy_type(PolicyType::IdentityPolicy)
            .max_results(100);
        let out = self.call(record, what, request.send()).await?;
        let mut flaws: Vec<Flaw> = out
            .findings()
            .iter()
            .map(|f| Flaw {
                weight: match f.finding_type() {
                    ValidatePolicyFindingType::Error => Weight::Error,
                    ValidatePolicyFindingType::SecurityWarning => Weight::SecurityWarning,
                    ValidatePolicyFindingType::Suggestion => Weight::Suggestion,
                    _ => Weight::Warning,
                },
                code: Untrusted::new(f.issue_code()),
                details: Untrusted::new(f.finding_details()),
            })
            .collect();
        flaws.sort_by_key(|f| f.weight);
        Ok(flaws)
    }

    async fn grants_any(
        &self,
        record: &Record,
        text: &str,
        more: &[PermissionRequest],
    ) -> Result<bool, Problem> {
        let doing = "Could not ask Access Analyzer what the policy grants";
        // Each call is charged for, so there are two: what may be done to none of these things, and what may be read.
        let access = |of: &[&PermissionRequest]| {
            let sorted = |mut list: Vec<String>| {
                list.sort();
                list.dedup();
                list
            };
            Access::builder()
                .set_actions(Some(sorted(of.iter().map(|m| m.action.clone()).collect())))
                .set_resources(Some(sorted(
                    of.iter().map(|m| m.resource.clone()).collect(),
                )))
                .build()
        };
        let (reads, others): (Vec<&PermissionRequest>, Vec<&PermissionRequest>) =
            more.iter().partition(|m| m.action == "s3:GetObject");
        let (anywhere, elsewhere) = (access(&others), access(&reads));
        let ask = |access| async {
            let what = What::new(SERVICE, "CheckAccessNotGranted", "the policy", doing);
            let request = self
                .analyzer
                .check_access_not_granted()
                .policy_document(text)
                .policy_type(AccessCheckPolicyType::IdentityPolicy)
                .access(access);
            let out = self.call(record, what, request.send()).await?;
            match out.result() {
                Some(CheckAccessNotGrantedResult::Pass) => Ok(false),
                Some(_) => Ok(true),
                None => Err(Problem::new(
                    ProblemKind::Invalid,
                    doing,
                    "the answer holds no result",
                    "look again",
                )),
            }
        };
        let (anywhere, elsewhere) = join(ask(anywhere), ask(elsewhere)).await;
        Ok(anywhere? || elsewhere?)
    }
}
