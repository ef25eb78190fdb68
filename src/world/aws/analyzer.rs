//! Access Analyzer: a policy read before it is written.

use futures_util::future::join;
use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::signed::{Request, unreadable};
use crate::domain::fact::Fact;
use crate::domain::lint::{Flaw, Lint, Weight};
use crate::domain::permission::PermissionRequest;
use crate::domain::problem::Problem;
use crate::domain::text::Untrusted;
use crate::world::Record;

const SERVICE: &str = "access-analyzer";

fn request(path: &str, body: &Value) -> Request {
    Request {
        service: SERVICE,
        prefix: "",
        method: http::Method::POST,
        path: path.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}

fn flaw(finding: &Value) -> Option<Flaw> {
    Some(Flaw {
        weight: match finding["findingType"].as_str()? {
            "ERROR" => Weight::Error,
            "SECURITY_WARNING" => Weight::SecurityWarning,
            "SUGGESTION" => Weight::Suggestion,
            _ => Weight::Warning,
        },
        code: Untrusted::new(finding["issueCode"].as_str()?),
        details: Untrusted::new(finding["findingDetails"].as_str().unwrap_or_default()),
    })
}

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
        let body = json!({ "policyDocument": text, "policyType": "IDENTITY_POLICY" });
        let request = request("policy/validation?maxResults=100", &body);
        let out = self.read(record, what, &request).await?.json();
        let list = out["findings"].as_array();
        let flaws = list.and_then(|all| all.iter().map(flaw).collect::<Option<Vec<Flaw>>>());
        let mut flaws = flaws.ok_or_else(|| unreadable(doing))?;
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
            json!({
                "actions": sorted(of.iter().map(|m| m.action.clone()).collect()),
                "resources": sorted(of.iter().map(|m| m.resource.clone()).collect()),
            })
        };
        let (reads, others): (Vec<&PermissionRequest>, Vec<&PermissionRequest>) =
            more.iter().partition(|m| m.action == "s3:GetObject");
        let (anywhere, elsewhere) = (access(&others), access(&reads));
        let ask = |access: Value| async move {
            let what = What::new(SERVICE, "CheckAccessNotGranted", "the policy", doing);
            let body = json!({
                "policyDocument": text, "policyType": "IDENTITY_POLICY", "access": [access],
            });
            let request = request("policy/check-access-not-granted", &body);
            let out = self.read(record, what, &request).await?.json();
            match out["result"].as_str() {
                Some("PASS") => Ok(false),
                Some(_) => Ok(true),
                None => Err(unreadable(doing)),
            }
        };
        let (anywhere, elsewhere) = join(ask(anywhere), ask(elsewhere)).await;
        Ok(anywhere? || elsewhere?)
    }
}
