//! Systems Manager: the machine at the end of a tunnel, and what the account asks of every session.

use serde_json::{Value, json};

use super::Aws;
use super::caller::What;
use super::signed::{Request, unreadable};
use crate::domain::fact::Fact;
use crate::domain::node::{ManagedNode, PingStatus, SessionPreferences};
use crate::domain::problem::Problem;
use crate::domain::text::Untrusted;
use crate::world::Record;

const SERVICE: &str = "ssm";
/// The document that Session Manager keeps an account's preferences in.
const PREFERENCES: &str = "SSM-SessionManagerRunShell";

/// Did the service answer with this error?
fn answered(problem: &Problem, code: &str) -> bool {
    problem
        .call
        .as_ref()
        .is_some_and(|c| c.outcome.as_str() == code)
}

fn text(value: &Value) -> Option<Untrusted> {
    value.as_str().filter(|t| !t.is_empty()).map(Untrusted::new)
}

impl Aws {
    pub async fn look_node(&self, record: &Record, instance: &str) -> Fact<ManagedNode> {
        let doing = format!("Could not read the managed node {instance}");
        let what = What::new(
            SERVICE,
            "DescribeInstanceInformation",
            instance,
            doing.clone(),
        );
        let body = json!({ "Filters": [{ "Key": "InstanceIds", "Values": [instance] }] });
        let request = Request::json(SERVICE, "AmazonSSM.DescribeInstanceInformation", &body);
        let list = match self.read(record, what, &request).await {
            Ok(body) => body.json()["InstanceInformationList"].as_array().cloned(),
            // An id that is none of this account's.
            Err(problem) if answered(&problem, "InvalidInstanceId") => return Fact::Absent,
            Err(problem) => return Fact::from(Err(problem)),
        };
        let Some(list) = list else {
            return Fact::from(Err(unreadable(&doing)));
        };
        let Some(row) = list.iter().find(|row| row["InstanceId"] == instance) else {
            return Fact::Absent;
        };
        let ping = row["PingStatus"].as_str().unwrap_or_default();
        let seconds = row["LastPingDateTime"].as_f64();
        Fact::Known(ManagedNode {
            ping: PingStatus::from(ping),
            name: text(&row["Name"]).or_else(|| text(&row["ComputerName"])),
            agent: text(&row["AgentVersion"]).unwrap_or_else(|| Untrusted::new("")),
            #[allow(clippy::cast_possible_truncation)] // whole seconds are enough
            last_ping: seconds.and_then(|s| jiff::Timestamp::from_second(s as i64).ok()),
        })
    }

    /// An account that was never asked has no such document: sessions are as AWS has them.
    pub async fn look_session_settings(&self, record: &Record) -> Fact<SessionPreferences> {
        let doing = "Could not read the account's session preferences";
        let what = What::new(SERVICE, "GetDocument", PREFERENCES, doing);
        let body = json!({ "Name": PREFERENCES, "DocumentFormat": "JSON" });
        let request = Request::json(SERVICE, "AmazonSSM.GetDocument", &body);
        let body = match self.read(record, what, &request).await {
            Ok(body) => body.json(),
            Err(problem) if answered(&problem, "InvalidDocument") => {
                return Fact::Known(SessionPreferences::default());
            }
            Err(problem) => return Fact::from(Err(problem)),
        };
        let content = body["Content"].as_str().unwrap_or_default();
        let Ok(document) = serde_json::from_str::<Value>(content) else {
            return Fact::from(Err(unreadable(doing)));
        };
        let inputs = &document["inputs"];
        let minutes = |key: &str| match &inputs[key] {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        };
        Fact::Known(SessionPreferences {
            key: text(&inputs["kmsKeyId"]),
            idle: minutes("idleSessionTimeout"),
            longest: minutes("maxSessionDuration"),
        })
    }
}
